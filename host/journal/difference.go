package journal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// differences lists what differs between two lines of JSON, field by field.
func differences(a, b []byte) ([]Field, error) {
	one, err := tree(a)
	if err != nil {
		return nil, err
	}
	other, err := tree(b)
	if err != nil {
		return nil, err
	}
	var out []Field
	walk("", one, other, &out)
	return out, nil
}

func tree(line []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("compare: %w", err)
	}
	return v, nil
}

// absent stands for a value that one of the sides does not have.
type absent struct{}

func walk(path string, a, b any, out *[]Field) {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			walkObject(path, x, y, out)
			return
		}
	case []any:
		if y, ok := b.([]any); ok {
			walkList(path, x, y, out)
			return
		}
	}
	one, other := shown(a), shown(b)
	if one != other {
		*out = append(*out, Field{Path: path, One: one, Other: other})
	}
}

func walkObject(path string, a, b map[string]any, out *[]Field) {
	keys := slices.Sorted(maps.Keys(a))
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if _, both := a[key]; !both {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		at := key
		if path != "" {
			at = path + "." + key
		}
		walk(at, member(a, key), member(b, key), out)
	}
}

func member(object map[string]any, key string) any {
	if v, ok := object[key]; ok {
		return v
	}
	return absent{}
}

// walkList compares two lists. Items with an id are matched by it, so that an added item
// does not make all items behind it differ. Other items are matched by their index.
func walkList(path string, a, b []any, out *[]Field) {
	namesA, okA := identities(a)
	namesB, okB := identities(b)
	if !okA || !okB {
		for i := range max(len(a), len(b)) {
			walk(fmt.Sprintf("%s[%d]", path, i), item(a, i), item(b, i), out)
		}
		return
	}
	for i, name := range namesA {
		walk(fmt.Sprintf("%s[%s]", path, name), a[i], item(b, slices.Index(namesB, name)), out)
	}
	for i, name := range namesB {
		if !slices.Contains(namesA, name) {
			walk(fmt.Sprintf("%s[%s]", path, name), absent{}, b[i], out)
		}
	}
}

func item(list []any, i int) any {
	if i < 0 || i >= len(list) {
		return absent{}
	}
	return list[i]
}

// identities returns the names of a list's items. ok is false if an item has no id or two
// items have the same one.
func identities(list []any) (names []string, ok bool) {
	seen := map[string]bool{}
	for _, v := range list {
		name := identity(v)
		if name == "" || seen[name] {
			return nil, false
		}
		seen[name] = true
		names = append(names, name)
	}
	return names, true
}

// identity returns the name of an item in a list of a snapshot, "daemon 3" or "chain 7",
// and "" for one without an id.
func identity(v any) string {
	object, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	if daemon, ok := object["daemon"].(map[string]any); ok {
		return fmt.Sprintf("daemon %v", daemon["id"])
	}
	for _, key := range []string{"chain", "peer", "migration", "seq", "id"} {
		switch id := object[key].(type) {
		case string:
			return key + " " + id
		case json.Number:
			return key + " " + id.String()
		}
	}
	return ""
}

// shown returns a value as JSON, or "" if it is absent.
func shown(v any) string {
	if _, none := v.(absent); none {
		return ""
	}
	raw, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v) // cannot happen: the value was read from JSON
	}
	return string(raw)
}
