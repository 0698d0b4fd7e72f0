package schema_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/meshos/meshos/internal/golden"
	"github.com/meshos/meshos/pluginsdk/internal/schema"
)

func TestJSONSchema(t *testing.T) {
	text, err := format[everything](t).JSON("everything", "A plugin with every type.")
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, []byte(text), "", "  "); err != nil {
		t.Fatal(err)
	}
	pretty.WriteByte('\n')
	golden.Check(t, "testdata/everything.schema.json", pretty.String())
}

func TestKeysForPeople(t *testing.T) {
	type small struct {
		Target  string  `json:"target" required:"true" doc:"whom to ask"`
		Mode    string  `json:"mode" default:"a" enum:"a,b"`
		Weights weights `json:"weights"`
	}
	want := []schema.Key{
		{Name: "target", Type: "text", Doc: "whom to ask", Must: true},
		{Name: "mode", Type: "text: a, b", Default: `"a"`},
		{Name: "weights.rtt", Type: "a number", Default: "0.5"},
		{Name: "weights.load", Type: "a number", Default: "0.25"},
	}
	if d := cmp.Diff(want, format[small](t).Keys()); d != "" {
		t.Fatal(d)
	}
}
