package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The chains, by the names of their files and of the fields of Record.
const (
	chainAudit   = "audit"
	chainLog     = "log"
	chainFailure = "failure"
	chainAction  = "action"
)

// entry is one record, ready to be written.
type entry struct {
	key  key
	line []byte // with its newline
}

// encode returns the line of a record: protobuf's JSON with the field names of the .proto
// file. protojson inserts spaces that differ from build to build; they are removed, so
// that the same record always makes the same line.
//
// chain_pending is left out: while the record is written it is always true.
func encode(record *meshosv1.Record) (chain string, e entry, err error) {
	switch r := record.GetKind().(type) {
	case *meshosv1.Record_Audit:
		chain, e.key = chainAudit, key{r.Audit.GetEpoch(), r.Audit.GetSeq()}
	case *meshosv1.Record_Log:
		chain, e.key = chainLog, key{r.Log.GetEpoch(), r.Log.GetSeq()}
	case *meshosv1.Record_Failure:
		chain, e.key = chainFailure, key{r.Failure.GetEpoch(), r.Failure.GetSeq()}
	case *meshosv1.Record_Action:
		chain, e.key = chainAction, key{r.Action.GetEpoch(), r.Action.GetSeq()}
	default:
		return "", entry{}, errors.New("a record of a chain that this plugin does not know")
	}
	if e.key.seq == 0 {
		return "", entry{}, fmt.Errorf("a record of %s without a seq", chain)
	}
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(withoutPending(record))
	if err != nil {
		return "", entry{}, fmt.Errorf("a record of %s: %w", chain, err)
	}
	line := bytes.NewBuffer(make([]byte, 0, len(text)+1))
	if err := json.Compact(line, text); err != nil {
		return "", entry{}, fmt.Errorf("a record of %s: %w", chain, err)
	}
	line.WriteByte('\n')
	e.line = line.Bytes()
	return chain, e, nil
}

// withoutPending returns the record without chain_pending.
func withoutPending(record *meshosv1.Record) *meshosv1.Record {
	if !record.GetAudit().GetChainPending() && !record.GetLog().GetChainPending() && !record.GetFailure().GetChainPending() {
		return record
	}
	record = proto.CloneOf(record) // the original belongs to the caller
	switch r := record.GetKind().(type) {
	case *meshosv1.Record_Audit:
		r.Audit.ChainPending = false
	case *meshosv1.Record_Log:
		r.Log.ChainPending = false
	case *meshosv1.Record_Failure:
		r.Failure.ChainPending = false
	}
	return record
}

// keyOf returns the key of a line of a chain. Nearly every line begins as encode writes
// it; others, which a person may have reformatted, are decoded.
func keyOf(chain string, line []byte) (key, error) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"`+chain+`":{"epoch":"`))
	if ok {
		epoch, rest, ok1 := number(rest)
		rest, ok2 := bytes.CutPrefix(rest, []byte(`","seq":"`))
		seq, rest, ok3 := number(rest)
		if ok1 && ok2 && ok3 && len(rest) > 0 && rest[0] == '"' && seq > 0 {
			return key{epoch, seq}, nil
		}
	}
	var record meshosv1.Record
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, &record); err != nil {
		return key{}, errors.New("not a record")
	}
	got, e, err := encode(&record)
	switch {
	case err != nil:
		return key{}, err
	case got != chain:
		return key{}, fmt.Errorf("a record of %s", got)
	}
	return e.key, nil
}

// number returns the number that text begins with, and the rest.
func number(text []byte) (uint64, []byte, bool) {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	v, err := strconv.ParseUint(string(text[:n]), 10, 64)
	return v, text[n:], err == nil
}
