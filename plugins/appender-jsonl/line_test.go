package main

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func TestLines(t *testing.T) {
	at := timestamppb.New(time.Date(2026, 1, 2, 3, 4, 5, 6000000, time.UTC))
	for _, c := range []struct {
		chain  string
		record *meshosv1.Record
		want   string
	}{
		{
			chainAudit,
			&meshosv1.Record{Kind: &meshosv1.Record_Audit{Audit: &meshosv1.AdminAuditRecord{
				Epoch: 18446744073709551615, Seq: 1, CommittedAt: at,
				Event: &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Cordon{Cordon: &meshosv1.NodeTarget{Node: 4}}},
				Operators: []*meshosv1.Operator{{
					KeyId: "SHA256:abc", Name: "alice", Verified: true,
				}},
				Outcome:  &meshosv1.VerificationOutcome{Verdict: meshosv1.VerificationOutcome_VERDICT_ACCEPTED},
				CommitId: []byte{1, 2}, ChainPending: true,
			}}},
			`{"audit":{"epoch":"18446744073709551615","seq":"1","committed_at":"2026-01-02T03:04:05.006Z",` +
				`"event":{"cordon":{"node":"4"}},"operators":[{"key_id":"SHA256:abc","name":"alice","verified":true}],` +
				`"outcome":{"verdict":"VERDICT_ACCEPTED"},"commit_id":"AQI="}}`,
		},
		{
			chainLog,
			&meshosv1.Record{Kind: &meshosv1.Record_Log{Log: &meshosv1.LogRecord{
				Epoch: 7, Seq: 2, At: at, Level: meshosv1.LogLevel_LOG_LEVEL_WARN, Node: 1, DaemonId: proto.Uint64(3),
				Message: "two\nlines: \"quoted\", <b> & é\u2028\x00", ChainPending: true,
			}}},
			`{"log":{"epoch":"7","seq":"2","at":"2026-01-02T03:04:05.006Z","level":"LOG_LEVEL_WARN","node":"1","daemon_id":"3",` +
				`"message":"two\nlines: \"quoted\", <b> & é` + "\u2028" + `\u0000"}}`,
		},
		{
			chainFailure,
			&meshosv1.Record{Kind: &meshosv1.Record_Failure{Failure: &meshosv1.FailureRecord{
				Epoch: 7, Seq: 3, At: at, Source: "action:17", Reason: "no actuator", ChainPending: true,
			}}},
			`{"failure":{"epoch":"7","seq":"3","at":"2026-01-02T03:04:05.006Z","source":"action:17","reason":"no actuator"}}`,
		},
		{
			chainAction,
			&meshosv1.Record{Kind: &meshosv1.Record_Action{Action: &meshosv1.ActionRecord{
				Epoch: 7, Seq: 4, At: at, ActionId: 9,
				Action:  &meshosv1.Action{Kind: &meshosv1.Action_DropReplica{DropReplica: &meshosv1.DropReplica{Chain: 5}}},
				Outcome: meshosv1.ActionRecord_OUTCOME_DISPATCHED,
			}}},
			`{"action":{"epoch":"7","seq":"4","at":"2026-01-02T03:04:05.006Z","action_id":"9",` +
				`"action":{"drop_replica":{"chain":"5"}},"outcome":"OUTCOME_DISPATCHED"}}`,
		},
	} {
		t.Run(c.chain, func(t *testing.T) {
			before := proto.CloneOf(c.record)
			chain, e, err := encode(c.record)
			if err != nil || chain != c.chain || string(e.line) != c.want+"\n" {
				t.Errorf("encode = %q, %v\n%swant\n%s", chain, err, e.line, c.want)
			}
			if !proto.Equal(before, c.record) {
				t.Error("the caller's record was changed")
			}
			got, err := keyOf(c.chain, e.line)
			if err != nil || got != e.key {
				t.Errorf("keyOf = %v, %v; want %v", got, err, e.key)
			}
			spaced := strings.ReplaceAll(string(e.line), `":`, `" : `)
			if got, err := keyOf(c.chain, []byte(spaced)); err != nil || got != e.key {
				t.Errorf("keyOf of a reformatted line = %v, %v; want %v", got, err, e.key)
			}
		})
	}
}

func TestRecordsThatCannotBeWrittenAreInvalid(t *testing.T) {
	for name, r := range map[string]*meshosv1.Record{
		"nil":         nil,
		"no kind":     {},
		"no content":  {Kind: &meshosv1.Record_Audit{}},
		"no seq":      logRecord(7, 0),
		"not unicode": {Kind: &meshosv1.Record_Log{Log: &meshosv1.LogRecord{Epoch: 7, Seq: 1, Message: "\xff"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, e, err := encode(r); err == nil {
				t.Errorf("encoded as %s", e.line)
			}
		})
	}
}

func TestLinesThatAreNotRecordsOfTheChain(t *testing.T) {
	for _, line := range []string{
		"", " ", "null", "[]", "{}", "\x00\x00", `{"log":{"epoch":"7","seq":"2"`, `{"log":{"epoch":"7","seq":"0"}}`,
		`{"log":{"epoch":"7"}}`, `{"audit":{"epoch":"7","seq":"2"}}`, `{"log":{"epoch":"99999999999999999999","seq":"2"}}`,
		`{"log":{"epoch":"7","seq":"2"}} {}`, `{"log":{"epoch":"7","seq":"2","message":"` + "\x00" + `"}}`,
	} {
		if k, err := check(chainLog, []byte(line)); err == nil {
			t.Errorf("%q is taken for record %v", line, k)
		}
	}
}
