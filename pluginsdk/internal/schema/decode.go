package schema

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Decode fills target, a pointer to the struct that the schema was made for, from a
// configuration as encoding/json and structpb return it: maps, lists, text, float64 and
// bool. Its error is an *Error with every mistake; then target must not be used.
func (s *Schema) Decode(config map[string]any, target any) error {
	var d decoder
	d.table("", s.root, config, reflect.ValueOf(target).Elem())
	if len(d.mistakes) > 0 {
		return &Error{Mistakes: d.mistakes}
	}
	return nil
}

// decoder collects mistakes in the order of the declaration, then unknown keys.
type decoder struct {
	mistakes []Mistake
}

func (d *decoder) say(key, format string, args ...any) {
	d.mistakes = append(d.mistakes, Mistake{Key: key, Text: fmt.Sprintf(format, args...)})
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func (d *decoder) table(path string, n *node, config map[string]any, into reflect.Value) {
	for _, f := range n.keys {
		key, v := join(path, f.name), into.Field(f.index)
		raw, there := config[f.name]
		switch {
		case there:
			before := len(d.mistakes)
			d.value(key, f.node, raw, v)
			if len(d.mistakes) == before {
				d.check(key, f, v)
			}
		case f.required:
			d.say(key, "is required%s", because(f.doc))
		case f.fallback != nil:
			v.Set(deepCopy(*f.fallback))
		case f.node.kind == kindStruct:
			d.table(key, f.node, nil, v) // its own defaults and required keys
		}
	}
	d.unknown(path, n, config)
}

func because(doc string) string {
	if doc == "" {
		return ""
	}
	return " (" + doc + ")"
}

func (d *decoder) unknown(path string, n *node, config map[string]any) {
	var known, strange []string
	for _, f := range n.keys {
		known = append(known, f.name)
	}
	for key := range config {
		if !slices.Contains(known, key) {
			strange = append(strange, key)
		}
	}
	slices.Sort(strange)
	for _, key := range strange {
		hint := ""
		switch near := nearest(key, known); {
		case near != "":
			hint = fmt.Sprintf(" (did you mean %q?)", near)
		case len(known) == 0:
			hint = " (there is nothing to configure here)"
		default:
			hint = " (known are " + strings.Join(known, ", ") + ")"
		}
		d.say(join(path, key), "unknown key%s", hint)
	}
}

func (d *decoder) value(key string, n *node, raw any, into reflect.Value) {
	wrong := func() { d.say(key, "must be %s, is %s", n.describe(), show(raw)) }
	switch n.kind {
	case kindBool:
		if v, ok := raw.(bool); ok {
			into.SetBool(v)
			return
		}
		wrong()
	case kindString:
		if v, ok := raw.(string); ok {
			into.SetString(v)
			return
		}
		wrong()
	case kindDuration:
		text, ok := raw.(string)
		if !ok {
			d.say(key, `must be a duration like "250ms" or "1m30s", is %s`, show(raw))
			return
		}
		v, err := time.ParseDuration(text)
		if err != nil {
			d.say(key, `%q is not a duration (write it like "250ms" or "1m30s")`, text)
			return
		}
		into.SetInt(int64(v))
	case kindInt, kindUint:
		d.integer(key, n, raw, into)
	case kindFloat:
		v, ok := raw.(float64)
		if !ok {
			wrong()
			return
		}
		if math.IsNaN(v) || math.IsInf(v, 0) || into.OverflowFloat(v) {
			d.say(key, "%v is not a usable number", v)
			return
		}
		into.SetFloat(v)
	case kindList:
		list, ok := raw.([]any)
		if !ok {
			wrong()
			return
		}
		out := reflect.MakeSlice(n.typ, len(list), len(list))
		for i, item := range list {
			d.value(fmt.Sprintf("%s[%d]", key, i), n.elem, item, out.Index(i))
		}
		into.Set(out)
	case kindMap:
		table, ok := raw.(map[string]any)
		if !ok {
			wrong()
			return
		}
		out := reflect.MakeMapWithSize(n.typ, len(table))
		names := make([]string, 0, len(table))
		for name := range table {
			names = append(names, name)
		}
		slices.Sort(names) // mistakes in a fixed order
		for _, name := range names {
			v := reflect.New(n.elem.typ).Elem()
			d.value(join(key, name), n.elem, table[name], v)
			out.SetMapIndex(reflect.ValueOf(name).Convert(n.typ.Key()), v)
		}
		into.Set(out)
	case kindStruct:
		table, ok := raw.(map[string]any)
		if !ok {
			wrong()
			return
		}
		d.table(key, n, table, into)
	}
}

// exact is where float64 begins to skip whole numbers. Numbers below are exact; 2^53
// itself may have been 2^53+1.
const exact = 1 << 53

// integer accepts a number, or a text for a number that float64 can't hold exactly.
func (d *decoder) integer(key string, n *node, raw any, into reflect.Value) {
	var text string
	switch v := raw.(type) {
	case string:
		if _, small := whole(v).(float64); small || !isInteger(v) {
			d.say(key, "must be a whole number, is %s", show(raw))
			return
		}
		text = v
	case float64:
		if v != math.Trunc(v) || math.IsInf(v, 0) {
			d.say(key, "must be a whole number, is %v", v)
			return
		}
		if math.Abs(v) >= exact {
			d.say(key, "is too large to be exact as a number: write it as text, like \"18446744073709551615\"")
			return
		}
		text = strconv.FormatInt(int64(v), 10)
	default:
		d.say(key, "must be a whole number, is %s", show(raw))
		return
	}
	bits := n.typ.Bits()
	if n.kind == kindUint {
		v, err := strconv.ParseUint(text, 10, 64)
		switch {
		case err == nil && !into.OverflowUint(v):
			into.SetUint(v)
		default:
			d.say(key, "must be between 0 and %d, is %s", uint64(math.MaxUint64)>>(64-bits), text)
		}
		return
	}
	v, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err == nil && !into.OverflowInt(v):
		into.SetInt(v)
	default:
		top := int64(math.MaxInt64) >> (64 - bits)
		d.say(key, "must be between %d and %d, is %s", -top-1, top, text)
	}
}

func isInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// show describes a wrong value for people: its type, and the value if it is short.
func show(raw any) string {
	switch v := raw.(type) {
	case nil:
		return "null"
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return "the number " + strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		if len(v) > 40 {
			return "a text"
		}
		return fmt.Sprintf("the text %q", v)
	case []any:
		return "a list"
	case map[string]any:
		return "a table"
	default:
		return fmt.Sprintf("a %T", raw)
	}
}

// deepCopy copies lists and maps, so that no two configurations share the default's.
func deepCopy(v reflect.Value) reflect.Value {
	switch v.Kind() {
	case reflect.Slice:
		out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		for i := range v.Len() {
			out.Index(i).Set(deepCopy(v.Index(i)))
		}
		return out
	case reflect.Map:
		out := reflect.MakeMapWithSize(v.Type(), v.Len())
		for _, k := range v.MapKeys() {
			out.SetMapIndex(k, deepCopy(v.MapIndex(k)))
		}
		return out
	case reflect.Struct:
		out := reflect.New(v.Type()).Elem()
		out.Set(v)
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(deepCopy(v.Field(i)))
			}
		}
		return out
	default:
		return v
	}
}
