package config

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/google/go-cmp/cmp"
)

func TestPlacesOfKeys(t *testing.T) {
	const text = "\ufefftop = 1 # a comment with = in it\r\n" +
		`

[node] # [not.a.header]
id=1
"quoted key" = 'a # b'
a . "b" . c = 2
multi = """
[fake]
x = 1 \"""
""""
literal = '''
y = 2'''
list = [ 1, # one
  "two", [
    3,
  ],
  { in = 4,
    also.in = 5 },
]
after = true

[[daemon]]
id = 1
[daemon.health]
type = "tcp"
[[daemon]]
id = 2
env = { A = "}", "B]" = ']' }
[daemon.health]
type = "http"
[daemon.health.deep]
x = 1
[a.b.c]
`
	want := map[string]int{
		"top": 1, "node": 4, "node.id": 5, `node."quoted key"`: 6, "node.a": 7, "node.a.b": 7, "node.a.b.c": 7,
		"node.multi": 8, "node.literal": 12, "node.list": 14, "node.list#0": 14, "node.list#1": 15, "node.list#2": 15,
		"node.list#2#0": 16, "node.list#3": 18, "node.list#3.in": 18, "node.list#3.also": 19, "node.list#3.also.in": 19,
		"node.after": 21, "daemon": 23, "daemon#0": 23, "daemon#0.id": 24, "daemon#0.health": 25,
		"daemon#0.health.type": 26, "daemon#1": 27, "daemon#1.id": 28, "daemon#1.env": 29, "daemon#1.env.A": 29,
		`daemon#1.env."B]"`: 29, "daemon#1.health": 30, "daemon#1.health.type": 31, "daemon#1.health.deep": 32,
		"daemon#1.health.deep.x": 33, "a": 34, "a.b": 34, "a.b.c": 34,
	}
	if _, err := toml.Decode(text, &map[string]any{}); err != nil {
		t.Fatalf("the test's own text: %v", err)
	}
	got := map[string]int{}
	for p, line := range findPlaces(text) {
		got[shown(p)] = line
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// shown returns a place with the numbers of list items.
func shown(p place) string {
	var parts []string
	for _, part := range strings.Split(string(p), "\x1f")[1:] {
		name, items, _ := strings.Cut(part, "\x1e")
		if items != "" {
			items = "#" + strings.ReplaceAll(items, "\x1e", "#")
		}
		parts = append(parts, bareKey(name)+items)
	}
	return strings.Join(parts, ".")
}

func FuzzPlaces(f *testing.F) {
	f.Add("a = 1\n[b]\nc.d = [{e = 1}, 2]\n[[x]]\n[x.y]\nz = \"\"\"\nq\"\"\"\n")
	f.Add("'a\"' = 1\n\"\\u0061b\" = {}\n[\"c.d\"]\n")
	f.Add("a = 'x\nb = \"y\n[[[\n{,}")
	f.Fuzz(func(t *testing.T, text string) {
		found := findPlaces(text)
		lines := strings.Count(text, "\n") + 1
		for p, line := range found {
			if line < 1 || line > lines {
				t.Fatalf("%q is in line %d of %d", p, line, lines)
			}
		}
		var tree map[string]any
		if _, err := toml.Decode(text, &tree); err != nil {
			return
		}
		// Of a text that is valid, every key has a place.
		everyPlace("", tree, func(p place) {
			if _, known := found[p]; !known {
				t.Fatalf("no line for %q in %q, only %q", p, text, slices.Sorted(maps.Keys(found)))
			}
		})
	})
}

func everyPlace(at place, v any, visit func(place)) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			visit(at.key(key))
			everyPlace(at.key(key), value, visit)
		}
	case []map[string]any:
		for i, item := range v {
			visit(at.item(i))
			everyPlace(at.item(i), item, visit)
		}
	case []any:
		for i, item := range v {
			visit(at.item(i))
			everyPlace(at.item(i), item, visit)
		}
	}
}
