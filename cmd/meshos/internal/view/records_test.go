package view

import (
	"strings"
	"testing"
	"time"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestALineShowsWhoSaysIt(t *testing.T) {
	daemon := uint64(3)
	for want, r := range map[string]*meshosv1.LogRecord{
		" node: hello":                        {},
		" telemetry: hello":                   {DaemonId: &daemon},
		" api: hello":                         {Source: "api"},
		" plugin health-tcp: hello":           {Source: "plugin:health-tcp"},
		" plugin other (of telemetry): hello": {Source: "plugin:other", DaemonId: &daemon},
	} {
		r.Message = "hello"
		if got := (Printer{}).LogRecord(r, map[uint64]string{3: "telemetry"}, time.Time{}); !strings.HasSuffix(got, want+"\n") {
			t.Errorf("shown as %q, want %q", got, want)
		}
	}
}

func TestARefusalShowsWhoBroughtWhatAndHowOften(t *testing.T) {
	got := (Printer{}).AuditRecord(&meshosv1.AdminAuditRecord{
		Seq:     7,
		Outcome: &meshosv1.VerificationOutcome{Verdict: meshosv1.VerificationOutcome_VERDICT_REJECTED, Kind: "unsigned", Message: "sign it"},
		Refusal: &meshosv1.Refusal{Source: "event_source:x", Kind: "shutdown", More: 41},
	})
	if !strings.HasSuffix(got, "from event_source:x: shutdown and 41 more — unsigned: sign it\n") {
		t.Errorf("%q", got)
	}
}
