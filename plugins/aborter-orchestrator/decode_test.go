package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

const good = `{"migration":"7","phase":"PHASE_TRANSFER","source":"2","target":3,"elapsed":"62.500s","in_phase":"1s",` +
	`"snapshot_bytes":"18446744073709551615","retries":1,"progress_percent":30,"buffered_events":5}`

func TestDecodeList(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"a whole migration", `{"in_flight":[` + good + `]}`, ""},
		{"the names of protobuf's JSON", `{"inFlight":[{"migration":1,"phase":2,"source":1,"target":2,"elapsed":"0s","inPhase":"0s"}]}`, ""},
		{"an empty list", `{"in_flight":[]}`, ""},

		{"not JSON", `<html>`, "not a JSON object"},
		{"nothing", ``, "not a JSON object"},
		{"a JSON list", `[]`, "not a JSON object"},
		{"null", `null`, `no "in_flight"`},
		{"another service", `{}`, `no "in_flight"`},
		{"two values", `{"in_flight":[]} {}`, "not a JSON object"},
		{"cut off", `{"in_flight":[` + good, "not a JSON object"},
		{"an unknown field", `{"in_flight":[],"more":1}`, `unknown field "more"`},
		{"a wrong type", `{"in_flight":[{"migration":true}]}`, "invalid value"},
		{"an id too large", `{"in_flight":[{"migration":"18446744073709551616"}]}`, "invalid value"},
		{"no id", `{"in_flight":[{}]}`, "in_flight[0]: migration is missing"},
		{"an unknown phase", strings.Replace(`{"in_flight":[`+good+`]}`, "PHASE_TRANSFER", "PHASE_X", 1), "PHASE_X"},
		{"a phase number that names nothing", strings.Replace(`{"in_flight":[`+good+`]}`, `"PHASE_TRANSFER"`, "77", 1), "phase is missing or unknown"},
		{"no source", strings.Replace(`{"in_flight":[`+good+`]}`, `"source":"2",`, "", 1), "source is missing"},
		{"no target", strings.Replace(`{"in_flight":[`+good+`]}`, `"target":3,`, "", 1), "target is missing"},
		{"over 100 percent", strings.Replace(`{"in_flight":[`+good+`]}`, `:30,`, ":101,", 1), "progress_percent is 101"},
		{"no elapsed", strings.Replace(`{"in_flight":[`+good+`]}`, `"elapsed":"62.500s",`, "", 1), "elapsed is missing"},
		{"negative elapsed", strings.Replace(`{"in_flight":[`+good+`]}`, `62.500s`, "-1s", 1), "elapsed is negative"},
		{"negative by nanoseconds", strings.Replace(`{"in_flight":[`+good+`]}`, `62.500s`, "-0.1s", 1), "elapsed is negative"},
		{"impossible in_phase", strings.Replace(`{"in_flight":[`+good+`]}`, `"1s"`, `"999999999s"`, 1), "in_phase is impossible"},
		{"listed twice", `{"in_flight":[` + good + `,` + good + `]}`, "in_flight[1]: migration 7 is listed twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := decodeList([]byte(c.body))
			switch {
			case c.want == "" && err != nil:
				t.Errorf("error %v", err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, error %v; want one with %q", got, err, c.want)
			}
		})
	}
}

func TestTheLengthOfAListIsLimited(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range maxMigrations + 1 {
		fmt.Fprintf(&b, `,{"migration":%d,"phase":1,"source":1,"target":2,"elapsed":"0s","in_phase":"0s"}`, i+1)
	}
	body := `{"in_flight":[` + b.String()[1:] + `]}`
	if _, err := decodeList([]byte(body)); err == nil || !strings.Contains(err.Error(), "10001 migrations") {
		t.Errorf("error %v, want one that names the number", err)
	}
}

func FuzzDecodeList(f *testing.F) {
	f.Add([]byte(`{"in_flight":[` + good + `]}`))
	f.Add([]byte(`{"in_flight":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		list, err := decodeList(body)
		if err != nil {
			return
		}
		for _, m := range list {
			if checkMigration(m) != nil {
				t.Errorf("accepted %v", m)
			}
		}
	})
}

// The plugin accepts the example of docs/orchestrator-api.md.
func TestDocumentedExampleIsAccepted(t *testing.T) {
	page, err := os.ReadFile("../../docs/orchestrator-api.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```json\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page holds no example")
	}
	got, err := decodeList([]byte(example))
	if err != nil || len(got) != 1 || got[0].GetMigration() != 17 {
		t.Errorf("got %v, %v", got, err)
	}
}
