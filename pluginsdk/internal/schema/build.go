package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// builder makes nodes from types and their tags. It keeps the first error.
type builder struct {
	duration reflect.Type
	open     []reflect.Type // the structs being read, to find a cycle
	err      error
}

func (b *builder) fail(path, format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%s: %s", path, fmt.Sprintf(format, args...))
	}
}

func (b *builder) build(typ reflect.Type, path string) *node {
	n := &node{typ: typ}
	switch {
	case typ == b.duration:
		n.kind = kindDuration
	case typ == reflect.TypeFor[time.Duration]():
		b.fail(path, "use pluginsdk.Duration instead of time.Duration")
	default:
		switch typ.Kind() {
		case reflect.Bool:
			n.kind = kindBool
		case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
			n.kind = kindInt
		case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
			n.kind = kindUint
		case reflect.Float32, reflect.Float64:
			n.kind = kindFloat
		case reflect.String:
			n.kind = kindString
		case reflect.Slice:
			n.kind = kindList
			n.elem = b.build(typ.Elem(), path+"[]")
		case reflect.Map:
			if typ.Key().Kind() != reflect.String {
				b.fail(path, "the keys of a map must be strings")
				return n
			}
			n.kind = kindMap
			n.elem = b.build(typ.Elem(), path+"[]")
		case reflect.Struct:
			n.kind = kindStruct
			b.fields(n, path)
		default:
			b.fail(path, "a configuration can't hold %s", typ)
		}
	}
	return n
}

func (b *builder) fields(n *node, path string) {
	for _, t := range b.open {
		if t == n.typ {
			b.fail(path, "%s holds itself", n.typ)
			return
		}
	}
	b.open = append(b.open, n.typ)
	seen := map[string]bool{}
	for i := range n.typ.NumField() {
		sf := n.typ.Field(i)
		at := path + "." + sf.Name
		name, _, _ := strings.Cut(sf.Tag.Get("json"), ",")
		switch {
		case name == "-" || !sf.IsExported() && name == "":
			continue
		case !sf.IsExported():
			b.fail(at, "a field with a json name must be exported")
		case name == "":
			b.fail(at, "name its key in a json tag, or leave it out with json:\"-\"")
		case seen[name]:
			b.fail(at, "the key %q is there twice", name)
		}
		if b.err != nil {
			break
		}
		seen[name] = true
		f := &field{name: name, index: i, doc: sf.Tag.Get("doc"), node: b.build(sf.Type, at)}
		if b.err == nil {
			b.tags(f, sf.Tag, at)
		}
		n.keys = append(n.keys, f)
	}
	b.open = b.open[:len(b.open)-1]
}

func (b *builder) tags(f *field, tag reflect.StructTag, at string) {
	switch text := tag.Get("required"); text {
	case "", "false":
	case "true":
		f.required = true
	default:
		b.fail(at, "required must be true or false, not %q", text)
	}
	f.min, f.max = b.bound(f, tag, "min", at), b.bound(f, tag, "max", at)
	if f.min != nil && f.max != nil && f.min.value > f.max.value {
		b.fail(at, "min %s is over max %s", f.min.text, f.max.text)
	}
	if text, ok := tag.Lookup("enum"); ok {
		elem := f.node
		if elem.kind == kindList {
			elem = elem.elem
		}
		if elem.kind != kindString {
			b.fail(at, "enum is for strings and lists of strings")
		}
		f.enum = strings.Split(text, ",")
	}
	text, ok := tag.Lookup("default")
	if !ok || b.err != nil {
		return
	}
	if f.required {
		b.fail(at, "a required key needs no default")
		return
	}
	raw, err := f.node.parse(text)
	if err != nil {
		b.fail(at, "default %q: %v", text, err)
		return
	}
	var d decoder
	v := reflect.New(f.node.typ).Elem()
	d.value(f.name, f.node, raw, v)
	d.check(f.name, f, v)
	if len(d.mistakes) > 0 {
		b.fail(at, "default %q: %s", text, d.mistakes[0].Text)
		return
	}
	f.fallback = &v
}

func (b *builder) bound(f *field, tag reflect.StructTag, name, at string) *bound {
	text, ok := tag.Lookup(name)
	if !ok {
		return nil
	}
	switch f.node.kind {
	case kindDuration:
		d, err := time.ParseDuration(text)
		if err != nil {
			b.fail(at, "%s %q is not a duration", name, text)
		}
		return &bound{text, float64(d)}
	case kindInt, kindUint, kindFloat, kindString, kindList, kindMap:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			b.fail(at, "%s %q is not a number", name, text)
		}
		return &bound{text, v}
	default:
		b.fail(at, "%s is not for %s", name, f.node.describe())
		return nil
	}
}

// parse turns the text of a default into the value that a configuration would have: text
// and durations as they are, lists separated by commas, everything else as JSON.
func (n *node) parse(text string) (any, error) {
	switch n.kind {
	case kindString, kindDuration:
		return text, nil
	case kindInt, kindUint:
		return whole(text), nil
	case kindList:
		if strings.HasPrefix(text, "[") {
			break
		}
		list := []any{}
		for part := range strings.SplitSeq(text, ",") {
			if part == "" {
				continue
			}
			v, err := n.elem.parse(part)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("is not %s", n.describe())
	}
	return v, nil
}

// describe returns the name of the kind for people, with its article.
func (n *node) describe() string {
	switch n.kind {
	case kindBool:
		return "true or false"
	case kindInt, kindUint:
		return "a whole number"
	case kindFloat:
		return "a number"
	case kindString:
		return "text"
	case kindDuration:
		return "a duration"
	case kindList:
		return "a list"
	case kindMap, kindStruct:
		return "a table"
	default:
		return "a value"
	}
}
