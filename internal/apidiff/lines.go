package main

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// lines lists what a package exports, sorted: "pluginsdk func Invalid(error) error".
func lines(pkg *types.Package) []string {
	p := printer{pkg}
	var out []string
	for _, name := range pkg.Scope().Names() {
		if obj := pkg.Scope().Lookup(name); obj.Exported() {
			out = append(out, p.object(obj)...)
		}
	}
	for i, line := range out {
		out[i] = pkg.Name() + " " + line
	}
	slices.Sort(out)
	return out
}

// printer writes the things of one package.
type printer struct{ pkg *types.Package }

func (p printer) object(obj types.Object) []string {
	switch obj := obj.(type) {
	case *types.Const:
		return []string{fmt.Sprintf("const %s %s = %s", obj.Name(), p.typ(obj.Type()), obj.Val().ExactString())}
	case *types.Var:
		return []string{fmt.Sprintf("var %s %s", obj.Name(), p.typ(obj.Type()))}
	case *types.Func:
		return []string{fmt.Sprintf("func %s%s", obj.Name(), p.signature(obj.Signature()))}
	case *types.TypeName:
		return p.named(obj)
	default:
		return nil
	}
}

// named lists a type with its exported fields and methods.
func (p printer) named(obj *types.TypeName) []string {
	name := obj.Name()
	if obj.IsAlias() {
		return []string{fmt.Sprintf("type %s = %s", name, p.typ(types.Unalias(obj.Type())))}
	}
	var out []string
	switch t := obj.Type().Underlying().(type) {
	case *types.Interface:
		return []string{fmt.Sprintf("type %s interface{%s}", name, p.methods(t))}
	case *types.Struct:
		out = append(out, fmt.Sprintf("type %s struct", name))
		for i := range t.NumFields() {
			if f := t.Field(i); f.Exported() {
				out = append(out, strings.TrimSpace(fmt.Sprintf("field %s.%s %s %s", name, f.Name(), p.typ(f.Type()), t.Tag(i))))
			}
		}
	default:
		out = append(out, fmt.Sprintf("type %s %s", name, p.typ(t)))
	}
	values := types.NewMethodSet(obj.Type())
	for m := range types.NewMethodSet(types.NewPointer(obj.Type())).Methods() {
		if !m.Obj().Exported() {
			continue
		}
		receiver := "*" + name
		if values.Lookup(p.pkg, m.Obj().Name()) != nil {
			receiver = name
		}
		out = append(out, fmt.Sprintf("method (%s) %s%s", receiver, m.Obj().Name(), p.signature(m.Type().(*types.Signature))))
	}
	return out
}

func (p printer) methods(t *types.Interface) string {
	list := make([]string, t.NumMethods())
	for i := range list {
		list[i] = t.Method(i).Name() + p.signature(t.Method(i).Signature())
	}
	return strings.Join(list, "; ")
}

// signature writes types only: the name of a parameter is nobody's business.
func (p printer) signature(s *types.Signature) string {
	var b strings.Builder
	for i := range s.TypeParams().Len() {
		param := s.TypeParams().At(i)
		b.WriteString([]string{"[", ", "}[min(i, 1)] + param.Obj().Name() + " " + p.typ(param.Constraint()))
	}
	if s.TypeParams().Len() > 0 {
		b.WriteByte(']')
	}
	params := p.tuple(s.Params())
	if s.Variadic() {
		last := len(params) - 1
		params[last] = "..." + strings.TrimPrefix(params[last], "[]")
	}
	b.WriteString("(" + strings.Join(params, ", ") + ")")
	switch results := p.tuple(s.Results()); len(results) {
	case 0:
	case 1:
		b.WriteString(" " + results[0])
	default:
		b.WriteString(" (" + strings.Join(results, ", ") + ")")
	}
	return b.String()
}

func (p printer) tuple(t *types.Tuple) []string {
	out := make([]string, t.Len())
	for i := range out {
		out[i] = p.typ(t.At(i).Type())
	}
	return out
}

func (p printer) typ(t types.Type) string {
	switch t := t.(type) {
	case *types.Signature:
		return "func" + p.signature(t)
	case *types.Pointer:
		return "*" + p.typ(t.Elem())
	case *types.Slice:
		return "[]" + p.typ(t.Elem())
	case *types.Map:
		return "map[" + p.typ(t.Key()) + "]" + p.typ(t.Elem())
	default:
		return types.TypeString(t, p.qualifier)
	}
}

// qualifier writes other packages in full, so that a type of the same name from
// elsewhere is seen as another one.
func (p printer) qualifier(other *types.Package) string {
	if other.Path() == p.pkg.Path() {
		return ""
	}
	return other.Path()
}
