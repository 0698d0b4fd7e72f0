package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

func (o *object) add(name string, value any) { *o = append(*o, member{name, value}) }

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// durationPattern matches what Go's time.ParseDuration accepts.
const durationPattern = `^[-+]?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`

// JSON returns the JSON Schema (draft 2020-12) of the configuration, with its keys in the
// order of the declaration. Bounds of durations, for which JSON Schema has no keyword,
// are x-minimum and x-maximum.
func (s *Schema) JSON(title, doc string) (string, error) {
	o := object{{"$schema", "https://json-schema.org/draft/2020-12/schema"}}
	if title != "" {
		o.add("title", title)
	}
	if doc != "" {
		o.add("description", doc)
	}
	text, err := json.Marshal(append(o, s.root.schema()...))
	return string(text), err
}

func (n *node) schema() object {
	switch n.kind {
	case kindBool:
		return object{{"type", "boolean"}}
	case kindInt, kindUint:
		o := object{{"type", "integer"}}
		if k := n.typ.Kind(); k == reflect.Int64 || k == reflect.Uint64 {
			o[0].value = []string{"integer", "string"} // as text beyond 2^53
			o.add("pattern", "^-?[0-9]+$")
		}
		if n.kind == kindUint {
			o.add("minimum", 0)
		}
		return o
	case kindFloat:
		return object{{"type", "number"}}
	case kindDuration:
		return object{{"type", "string"}, {"pattern", durationPattern}}
	case kindList:
		return object{{"type", "array"}, {"items", n.elem.schema()}}
	case kindMap:
		return object{{"type", "object"}, {"additionalProperties", n.elem.schema()}}
	case kindStruct:
		properties, required := object{}, []string{}
		for _, f := range n.keys {
			properties.add(f.name, f.schema())
			if f.required {
				required = append(required, f.name)
			}
		}
		o := object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
		if len(required) > 0 {
			o.add("required", required)
		}
		return o
	default:
		return object{{"type", "string"}}
	}
}

func (f *field) schema() object {
	o := f.node.schema()
	if f.doc != "" {
		o.add("description", f.doc)
	}
	if f.fallback != nil {
		o.add("default", f.node.plain(*f.fallback))
	}
	if f.enum != nil {
		if f.node.kind == kindList {
			items := f.node.elem.schema()
			items.add("enum", f.enum)
			o[1].value = items
		} else {
			o.add("enum", f.enum)
		}
	}
	low, high := boundNames(f.node.kind)
	o = f.min.put(o, low, f.node.kind)
	return f.max.put(o, high, f.node.kind)
}

func boundNames(k kind) (low, high string) {
	switch k {
	case kindDuration:
		return "x-minimum", "x-maximum"
	case kindString:
		return "minLength", "maxLength"
	case kindList:
		return "minItems", "maxItems"
	case kindMap:
		return "minProperties", "maxProperties"
	default:
		return "minimum", "maximum"
	}
}

// put sets name, and replaces a bound that the type alone implied.
func (b *bound) put(o object, name string, k kind) object {
	if b == nil {
		return o
	}
	var value any = b.text
	if k != kindDuration {
		value = b.value
	}
	for i := range o {
		if o[i].name == name {
			o[i].value = value
			return o
		}
	}
	o.add(name, value)
	return o
}
