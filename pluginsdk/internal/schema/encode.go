package schema

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
)

// Encode is the inverse of Decode: it returns the configuration that decodes to source, a
// value of the struct. Fields with zero values are left out, so they get their defaults.
func (s *Schema) Encode(source any) map[string]any {
	v := reflect.ValueOf(source)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	out, _ := s.root.encode(v).(map[string]any)
	return out
}

func (n *node) encode(v reflect.Value) any {
	switch n.kind {
	case kindBool:
		return v.Bool()
	case kindInt:
		return whole(strconv.FormatInt(v.Int(), 10))
	case kindUint:
		return whole(strconv.FormatUint(v.Uint(), 10))
	case kindFloat:
		return v.Float()
	case kindDuration:
		return fmt.Sprint(v.Interface())
	case kindList:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = n.elem.encode(v.Index(i))
		}
		return list
	case kindMap:
		table := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			table[k.String()] = n.elem.encode(v.MapIndex(k))
		}
		return table
	case kindStruct:
		table := make(map[string]any, len(n.keys))
		for _, f := range n.keys {
			if field := v.Field(f.index); !field.IsZero() {
				table[f.name] = f.node.encode(field)
			}
		}
		return table
	default:
		return v.String()
	}
}

// whole returns a whole number as a configuration has it: a float64 if that is exact,
// else its text.
func whole(text string) any {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.Abs(v) >= exact {
		return text
	}
	return v
}
