package schema

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// plain returns a value as an operator would write it in JSON: whole numbers as numbers,
// durations as text.
func (n *node) plain(v reflect.Value) any {
	switch n.kind {
	case kindInt:
		return json.RawMessage(strconv.FormatInt(v.Int(), 10))
	case kindUint:
		return json.RawMessage(strconv.FormatUint(v.Uint(), 10))
	case kindList:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = n.elem.plain(v.Index(i))
		}
		return list
	case kindMap:
		table := make(map[string]any, v.Len())
		for _, k := range v.MapKeys() {
			table[k.String()] = n.elem.plain(v.MapIndex(k))
		}
		return table
	default:
		return n.encode(v)
	}
}

// Key is one key of a configuration, described for people.
type Key struct {
	Name    string // with its table: "weights.rtt"
	Type    string // "a duration"
	Default string // as JSON; empty when there is none
	Doc     string // one sentence; may be empty
	Must    bool   // the operator has to set it
}

// Keys returns every key, in the order of the declaration.
func (s *Schema) Keys() []Key { return s.root.list("") }

func (n *node) list(path string) []Key {
	var out []Key
	for _, f := range n.keys {
		if f.node.kind == kindStruct {
			out = append(out, f.node.list(join(path, f.name))...)
			continue
		}
		k := Key{Name: join(path, f.name), Type: f.node.describe(), Doc: f.doc, Must: f.required}
		if f.enum != nil {
			k.Type += ": " + strings.Join(f.enum, ", ")
		}
		if f.fallback != nil {
			text, err := json.Marshal(f.node.plain(*f.fallback))
			if err != nil {
				text = []byte(fmt.Sprint(f.fallback.Interface()))
			}
			k.Default = string(text)
		}
		out = append(out, k)
	}
	return out
}
