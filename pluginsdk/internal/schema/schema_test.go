package schema_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/meshos/meshos/pluginsdk/internal/schema"
)

type duration time.Duration

func (d duration) String() string { return time.Duration(d).String() }

type weights struct {
	RTT  float64 `json:"rtt" default:"0.5" min:"0" max:"1"`
	Load float64 `json:"load" default:"0.25" min:"0" max:"1"`
}

type everything struct {
	Interval duration           `json:"interval" default:"1s" min:"10ms" max:"1h" doc:"time between rounds"`
	Target   string             `json:"target" required:"true" min:"1" doc:"host:port to ask"`
	Mode     string             `json:"mode" default:"fast" enum:"fast,careful"`
	Count    int                `json:"count" default:"3" min:"1" max:"100"`
	Small    int8               `json:"small"`
	ID       uint64             `json:"id"`
	On       bool               `json:"on" default:"true"`
	Tags     []string           `json:"tags" default:"a,b" max:"3"`
	Ports    []uint16           `json:"ports"`
	Levels   []string           `json:"levels" enum:"low,high"`
	Labels   map[string]string  `json:"labels"`
	Factors  map[string]float64 `json:"factors" default:"{\"x\":2}"`
	Weights  weights            `json:"weights" doc:"what counts how much"`
	Hidden   int                `json:"-"`
}

func format[C any](t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.For[C, duration]()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMissingKeysGetTheirDefaults(t *testing.T) {
	var got everything
	if err := format[everything](t).Decode(object(t, `{"target":"a:1","weights":{"load":1}}`), &got); err != nil {
		t.Fatal(err)
	}
	want := everything{
		Interval: duration(time.Second), Target: "a:1", Mode: "fast", Count: 3, On: true,
		Tags: []string{"a", "b"}, Factors: map[string]float64{"x": 2}, Weights: weights{RTT: 0.5, Load: 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestEveryValueIsDecoded(t *testing.T) {
	var got everything
	err := format[everything](t).Decode(object(t, `{"interval":"250ms","target":"a:1","mode":"careful","count":100,
		"small":-128,"id":"18446744073709551615","on":false,"tags":[],"ports":[1,65535],"levels":["high"],
		"labels":{"k":"v"},"factors":{},"weights":{"rtt":0,"load":1}}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	want := everything{
		Interval: duration(250 * time.Millisecond), Target: "a:1", Mode: "careful", Count: 100,
		Small: -128, ID: 1<<64 - 1, Tags: []string{}, Ports: []uint16{1, 65535}, Levels: []string{"high"},
		Labels: map[string]string{"k": "v"}, Factors: map[string]float64{}, Weights: weights{Load: 1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Fatal(d)
	}
}

func TestWholeNumbersAreExactOnBothSidesOf2To53(t *testing.T) {
	s := format[everything](t)
	for raw, want := range map[any]uint64{
		float64(1<<53 - 1): 1<<53 - 1, "9007199254740992": 1 << 53, "9007199254740993": 1<<53 + 1,
	} {
		var got everything
		if err := s.Decode(map[string]any{"target": "x", "id": raw}, &got); err != nil || got.ID != want {
			t.Errorf("%v: %d, %v", raw, got.ID, err)
		}
	}
}

func TestDefaultsInsideOfDefaultsAreNotShared(t *testing.T) {
	type nested struct {
		Rows [][]string `json:"rows" default:"[[\"a\"]]"`
	}
	s := format[nested](t)
	var a, b nested
	for _, into := range []*nested{&a, &b} {
		if err := s.Decode(nil, into); err != nil {
			t.Fatal(err)
		}
	}
	a.Rows[0][0] = "changed"
	if b.Rows[0][0] != "a" {
		t.Errorf("the second configuration has %v", b.Rows)
	}
}

func TestDefaultsAreNotShared(t *testing.T) {
	s := format[everything](t)
	var a, b everything
	for _, into := range []*everything{&a, &b} {
		if err := s.Decode(object(t, `{"target":"x"}`), into); err != nil {
			t.Fatal(err)
		}
	}
	a.Tags[0], a.Factors["x"] = "changed", 9
	if b.Tags[0] != "a" || b.Factors["x"] != 2 {
		t.Fatalf("the second configuration has %v, %v", b.Tags, b.Factors)
	}
}

func TestMistakesNameTheKey(t *testing.T) {
	s := format[everything](t)
	for _, c := range []struct{ name, config, want string }{
		{"unknown key near a known one", `{"target":"x","intervall":"1s"}`, `configuration: intervall: unknown key (did you mean "interval"?)`},
		{"unknown key in another style", `{"target":"x","TARGET":"x"}`, `configuration: TARGET: unknown key (did you mean "target"?)`},
		{"unknown key in a table", `{"target":"x","weights":{"disk":1}}`, `configuration: weights.disk: unknown key (known are rtt, load)`},
		{"required key missing", `{}`, `configuration: target: is required (host:port to ask)`},
		{"required key empty", `{"target":""}`, `configuration: target: must not be empty`},
		{"duration as a number", `{"target":"x","interval":5}`, `configuration: interval: must be a duration like "250ms" or "1m30s", is the number 5`},
		{"duration without a unit", `{"target":"x","interval":"5"}`, `configuration: interval: "5" is not a duration (write it like "250ms" or "1m30s")`},
		{"duration too short", `{"target":"x","interval":"9ms"}`, `configuration: interval: must be at least 10ms, is 9ms`},
		{"duration too long", `{"target":"x","interval":"61m"}`, `configuration: interval: must be at most 1h, is 1h1m0s`},
		{"text as a number", `{"target":7}`, `configuration: target: must be text, is the number 7`},
		{"text as null", `{"target":null}`, `configuration: target: must be text, is null`},
		{"not in the list", `{"target":"x","mode":"fats"}`, `configuration: mode: must be one of fast, careful, is "fats" (did you mean "fast"?)`},
		{"entry not in the list", `{"target":"x","levels":["low","mid"]}`, `configuration: levels[1]: must be one of low, high, is "mid"`},
		{"whole number with a fraction", `{"target":"x","count":1.5}`, `configuration: count: must be a whole number, is 1.5`},
		{"whole number as text", `{"target":"x","count":"5"}`, `configuration: count: must be a whole number, is the text "5"`},
		{"number below the minimum", `{"target":"x","count":0}`, `configuration: count: must be at least 1, is 0`},
		{"number above the maximum", `{"target":"x","count":101}`, `configuration: count: must be at most 100, is 101`},
		{"number out of its type", `{"target":"x","small":128}`, `configuration: small: must be between -128 and 127, is 128`},
		{"negative id", `{"target":"x","id":-1}`, `configuration: id: must be between 0 and 18446744073709551615, is -1`},
		{"id that is not exact", `{"target":"x","id":18446744073709551615}`, `configuration: id: is too large to be exact as a number: write it as text, like "18446744073709551615"`},
		{"id that may have been the next one", `{"target":"x","id":9007199254740993}`, `configuration: id: is too large to be exact as a number: write it as text, like "18446744073709551615"`},
		{"id beyond 64 bits", `{"target":"x","id":"18446744073709551616"}`, `configuration: id: must be between 0 and 18446744073709551615, is 18446744073709551616`},
		{"entry out of its type", `{"target":"x","ports":[1,65536]}`, `configuration: ports[1]: must be between 0 and 65535, is 65536`},
		{"bool as text", `{"target":"x","on":"yes"}`, `configuration: on: must be true or false, is the text "yes"`},
		{"list as text", `{"target":"x","tags":"a"}`, `configuration: tags: must be a list, is the text "a"`},
		{"list too long", `{"target":"x","tags":["a","b","c","d"]}`, `configuration: tags: must have at most 3 entries, has 4`},
		{"table as a list", `{"target":"x","labels":[]}`, `configuration: labels: must be a table, is a list`},
		{"value of a table", `{"target":"x","labels":{"k":1}}`, `configuration: labels.k: must be text, is the number 1`},
		{"nested out of bounds", `{"target":"x","weights":{"rtt":1.5}}`, `configuration: weights.rtt: must be at most 1, is 1.5`},
		{"nested as a number", `{"target":"x","weights":1}`, `configuration: weights: must be a table, is the number 1`},
		{"all at once", `{"interval":1,"count":0,"weights":{"rt":1},"zzz":0}`, `configuration has 5 mistakes: ` +
			`interval: must be a duration like "250ms" or "1m30s", is the number 1; ` +
			`target: is required (host:port to ask); count: must be at least 1, is 0; ` +
			`weights.rt: unknown key (did you mean "rtt"?); ` +
			`zzz: unknown key (known are interval, target, mode, count, small, id, on, tags, ports, levels, labels, factors, weights)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var into everything
			err := s.Decode(object(t, c.config), &into)
			if err == nil || err.Error() != c.want {
				t.Errorf("\n got %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestNothingToConfigure(t *testing.T) {
	err := format[struct{}](t).Decode(map[string]any{"x": 1.0}, &struct{}{})
	if want := "configuration: x: unknown key (there is nothing to configure here)"; err == nil || err.Error() != want {
		t.Fatalf("got %v, want %s", err, want)
	}
}

func TestEachJoinedErrorIsAMistake(t *testing.T) {
	err := schema.FromAuthor(fmt.Errorf("a"))
	if got := err.Error(); got != "configuration: a" {
		t.Errorf("got %s", got)
	}
}

func TestAuthorsMistakesAreFoundAtOnce(t *testing.T) {
	type loop struct {
		Next []loop `json:"next"`
	}
	_ = loop{}
	check := func(name string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want it to say %q", name, err, want)
		}
	}
	_, err := schema.For[int, duration]()
	check("no struct", err, "must be a struct, not int")
	_, err = schema.For[struct{ A int }, duration]()
	check("no name", err, "name its key in a json tag")
	_, err = schema.For[struct {
		A time.Duration `json:"a"`
	}, duration]()
	check("time.Duration", err, "use pluginsdk.Duration instead")
	_, err = schema.For[struct {
		A int `json:"a" default:"x"`
	}, duration]()
	check("default of another type", err, `default "x"`)
	_, err = schema.For[struct {
		A int `json:"a" default:"5" max:"4"`
	}, duration]()
	check("default out of bounds", err, `default "5": must be at most 4, is 5`)
	_, err = schema.For[struct {
		A int `json:"a" default:"5" required:"true"`
	}, duration]()
	check("required with a default", err, "needs no default")
	_, err = schema.For[struct {
		A int `json:"a" min:"5" max:"4"`
	}, duration]()
	check("empty bounds", err, "min 5 is over max 4")
	_, err = schema.For[struct {
		A bool `json:"a" min:"5"`
	}, duration]()
	check("bounds of a bool", err, "min is not for true or false")
	_, err = schema.For[struct {
		A chan int `json:"a"`
	}, duration]()
	check("a channel", err, "can't hold chan int")
	_, err = schema.For[struct {
		A map[int]string `json:"a"`
	}, duration]()
	check("a map by number", err, "the keys of a map must be strings")
	_, err = schema.For[loop, duration]()
	check("a cycle", err, "holds itself")
	_, err = schema.For[struct {
		A int `json:"a" enum:"1,2"`
	}, duration]()
	check("enum of numbers", err, "enum is for strings")
}

func TestEncodeIsTheInverseOfDecode(t *testing.T) {
	s := format[everything](t)
	rapid.Check(t, func(t *rapid.T) {
		want := everything{
			Interval: duration(rapid.Int64Range(int64(10*time.Millisecond), int64(time.Hour)).Draw(t, "interval")),
			Target:   rapid.StringN(1, 20, 80).Draw(t, "target"),
			Mode:     rapid.SampledFrom([]string{"fast", "careful"}).Draw(t, "mode"),
			Count:    rapid.IntRange(1, 100).Draw(t, "count"),
			Small:    rapid.Int8().Draw(t, "small"),
			ID:       rapid.Uint64().Draw(t, "id"),
			On:       true,
			Tags:     rapid.SliceOfN(rapid.String(), 1, 3).Draw(t, "tags"),
			Ports:    rapid.SliceOfN(rapid.Uint16(), 1, 5).Draw(t, "ports"),
			Labels:   rapid.MapOfN(rapid.String(), rapid.String(), 1, 3).Draw(t, "labels"),
			Factors:  map[string]float64{"f": rapid.Float64Range(-1e300, 1e300).Draw(t, "factor")},
			Weights:  weights{RTT: 0.5, Load: rapid.Float64Range(0.01, 1).Draw(t, "load")},
		}
		var got everything
		if err := s.Decode(s.Encode(want), &got); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	})
}

// FuzzDecode looks for configurations that make the decoder panic, and for mistakes
// without a text.
func FuzzDecode(f *testing.F) {
	f.Add(`{"target":"x"}`)
	f.Add(`{"interval":"-1s","tags":[null,{}],"weights":{"rtt":[1]},"id":"-0"}`)
	f.Add(`{"count":1e308,"id":"99999999999999999999999999","small":-1e-300,"labels":{"":""}}`)
	s, err := schema.For[everything, duration]()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var m map[string]any
		if json.Unmarshal([]byte(text), &m) != nil {
			return
		}
		var first, second everything
		err := s.Decode(m, &first)
		if err != nil {
			if strings.HasSuffix(err.Error(), ": ") {
				t.Fatalf("a mistake without a text: %q", err)
			}
			return
		}
		if err := s.Decode(m, &second); err != nil || !cmp.Equal(first, second) {
			t.Fatalf("decoded twice: %v, %v, %v", first, second, err)
		}
	})
}
