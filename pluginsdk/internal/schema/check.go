package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// check compares a value with the bounds in the tags of its field.
func (d *decoder) check(key string, f *field, v reflect.Value) {
	size, verb, is, unit := 0.0, "be", "is", ""
	switch f.node.kind {
	case kindInt, kindDuration:
		size = float64(v.Int())
	case kindUint:
		size = float64(v.Uint())
	case kindFloat:
		size = v.Float()
	case kindString:
		size, verb, is, unit = float64(utf8.RuneCountInString(v.String())), "have", "has", " characters"
	case kindList, kindMap:
		size, verb, is, unit = float64(v.Len()), "have", "has", " entries"
	}
	shown := strconv.FormatFloat(size, 'g', -1, 64)
	if f.node.kind == kindDuration {
		shown = fmt.Sprint(v.Interface())
	}
	switch {
	case f.min != nil && size < f.min.value && unit != "" && size == 0:
		d.say(key, "must not be empty")
	case f.min != nil && size < f.min.value:
		d.say(key, "must %s at least %s%s, %s %s", verb, f.min.text, unit, is, shown)
	case f.max != nil && size > f.max.value:
		d.say(key, "must %s at most %s%s, %s %s", verb, f.max.text, unit, is, shown)
	}
	if f.enum == nil {
		return
	}
	if f.node.kind == kindString {
		d.among(key, f.enum, v.String())
		return
	}
	for i := range v.Len() {
		d.among(fmt.Sprintf("%s[%d]", key, i), f.enum, v.Index(i).String())
	}
}

func (d *decoder) among(key string, enum []string, v string) {
	if slices.Contains(enum, v) {
		return
	}
	hint := ""
	if near := nearest(v, enum); near != "" {
		hint = fmt.Sprintf(" (did you mean %q?)", near)
	}
	d.say(key, "must be one of %s, is %q%s", strings.Join(enum, ", "), v, hint)
}
