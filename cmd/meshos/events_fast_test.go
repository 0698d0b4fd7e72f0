package main

import (
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

var plainEvents = []string{
	`{"rtt_sample":{"peer":2,"rtt":"0.3s"}}`,
	`{"rtt_sample":{"peer":"18446744073709551","rtt":"12s","sent":20,"received":19,"jitter":"0.000000001s","round":"7","unanswered":0,"reason":"späť"}}`,
	` { "replica_update" : { "kind" : "KIND_ADDED" , "chain" : 7 , "holder" : 1 } } `,
	`{"replica_leader":{"chain":7,"leader":0}}`,
	`{"replica_leader":{}}`,
	`{"node_health":{"peer":2,"health":"NODE_HEALTH_HEALTHY"}}`,
	`{"log_line":{"level":"LOG_LEVEL_INFO","message":"hello","daemon_id":"3","source":""}}`,
}

func TestPlainEventsAreReadWithoutProtojson(t *testing.T) {
	d := newFastDecoder()
	for _, text := range plainEvents {
		if _, ok := d.decode(nil, []byte(text)); !ok {
			t.Errorf("%s is left to protojson", text)
		}
	}
}

// What the fast decoder takes, protojson takes too, and both mean the same.
func FuzzPlainEventsAreWhatProtojsonReads(f *testing.F) {
	for _, text := range plainEvents {
		f.Add([]byte(text))
	}
	for _, text := range []string{
		`{"rtt_sample":{"peer":02,"rtt":"0.3s"}}`, `{"rtt_sample":{"peer":2,"peer":3}}`, `{"rtt_sample":{"peer":"02"}}`,
		`{"rtt_sample":{"rtt":"00.3s"}}`, `{"rtt_sample":{"rtt":".3s"}}`, `{"rtt_sample":{"rtt":"3.s"}}`, `{"rtt_sample":{"rtt":"99999999999s"}}`,
		`{"rtt_sample":{"sent":4294967296}}`, `{"log_line":{"message":"a\\nb"}}`, `{"log_line":{"message":null}}`, `{"log_line":{},"reason":"x"}`,
		`{"node_health":{"health":1}}`, `{"rttSample":{"peer":2}}`, `{"rtt_sample":{"peer":2,}}`, `{"rtt_sample":{"peer":2}}{}`,
		"{\"log_line\":{\"message\":\"\xff\"}}", `{"rtt_sample":{"peer":2 ,"sent":1}}`, `{"rtt_sample":{"peer":"2" }}`, `{"rtt_sample":{"peer":2e1}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		raw, ok := newFastDecoder().decode(nil, text)
		if !ok {
			return
		}
		var got, want meshosv1.Event
		if err := protojson.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q: protojson says %v", text, err)
		}
		if err := proto.Unmarshal(raw, &got); err != nil || !proto.Equal(&got, &want) {
			t.Fatalf("%q: %v, %v; protojson reads %v", text, &got, err, &want)
		}
	})
}

func BenchmarkParseEvents(b *testing.B) {
	var text []byte
	for range 10_000 {
		text = append(text, `{"rtt_sample":{"peer":2,"rtt":"0.3s"}}`+"\n"...)
	}
	b.ReportAllocs()
	for b.Loop() {
		if events, err := parseEvents("x", text); err != nil || len(events) != 10_000 {
			b.Fatal(len(events), err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/10_000, "ns/event")
}
