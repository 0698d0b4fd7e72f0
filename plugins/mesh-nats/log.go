package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/types/known/timestamppb"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Headers of the stream's messages. The log time is said by who fills the log up again, in
// nanoseconds since 1970.
const (
	headerLogTime  = "Meshos-Log-Time"
	headerSequence = "Nats-Sequence"
	headerTime     = "Nats-Time-Stamp"
	headerStatus   = "Status"
)

const (
	readWithin = 2 * time.Second
	readBatch  = 256
	readBytes  = 1 << 20
)

// entryOf returns the entry in a message of the stream, as the stream says it again or as it
// is read.
func entryOf(m *nats.Msg) (height uint64, _ *meshosv1.LoggedEntry, err error) {
	if height, err = strconv.ParseUint(m.Header.Get(headerSequence), 10, 64); err != nil {
		return 0, nil, fmt.Errorf("a message of the log without a number: %w", err)
	}
	entry := &meshosv1.LoggedEntry{Entry: m.Data, Height: height}
	if first := m.Header.Get(headerLogTime); first != "" {
		nanos, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("entry %d has a log time that can't be read: %w", height, err)
		}
		entry.LogTime, entry.Refilled = timestamppb.New(time.Unix(0, nanos)), true
		return height, entry, nil
	}
	at, err := time.Parse(time.RFC3339Nano, m.Header.Get(headerTime))
	if err != nil {
		return 0, nil, fmt.Errorf("entry %d has no time: %w", height, err)
	}
	entry.LogTime = timestamppb.New(at)
	return height, entry, nil
}

// hashOf returns the hash of an entry, as the one after it has it in prev.
func hashOf(entry *meshosv1.LoggedEntry) []byte {
	h := sha256.New()
	var nanos [8]byte
	binary.BigEndian.PutUint64(nanos[:], uint64(entry.GetLogTime().AsTime().UnixNano()))
	h.Write(nanos[:])
	h.Write(entry.GetEntry())
	return h.Sum(nil)
}

// errNoEntry means that the log has no entry of that height.
var errNoEntry = errors.New("the log has no such entry")

// reader reads the log by direct gets, which any seed answers from its copy.
type reader struct {
	nc      *nats.Conn
	subject string
}

type getRequest struct {
	Seq      uint64 `json:"seq,omitempty"`
	LastFor  string `json:"last_by_subj,omitempty"`
	Batch    int    `json:"batch,omitempty"`
	MaxBytes int    `json:"max_bytes,omitempty"`
}

// one reads the entry of a height, 0 the last one.
func (r reader) one(ctx context.Context, height uint64) (uint64, *meshosv1.LoggedEntry, error) {
	get := getRequest{Seq: height}
	if height == 0 {
		get.LastFor = logSubject
	}
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	body, err := json.Marshal(get)
	if err != nil {
		return 0, nil, err
	}
	m, err := r.nc.RequestWithContext(ctx, r.subject, body)
	if err != nil {
		return 0, nil, fmt.Errorf("read entry %d of the log: %w", height, err)
	}
	if status := m.Header.Get(headerStatus); status == "404" {
		return 0, nil, errNoEntry
	} else if status != "" {
		return 0, nil, fmt.Errorf("read entry %d of the log: %s %s", height, status, m.Header.Get("Description"))
	}
	return entryOf(m)
}

// lastStored returns the height and the hash of the last entry that the leader of the log has;
// 0 of an empty log. Others, which may have less, do not answer.
func (k *keeper) lastStored(ctx context.Context) (height uint64, hash []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	body, err := json.Marshal(getRequest{LastFor: logSubject})
	if err != nil {
		return 0, nil, err
	}
	m, err := k.nc.RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+stream, body)
	if err != nil {
		return 0, nil, fmt.Errorf("read the end of the log: %w", err)
	}
	var answer struct {
		Error   *apiError `json:"error"`
		Message struct {
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, nil, fmt.Errorf("read the end of the log: %w", err)
	}
	switch e := answer.Error; {
	case e != nil && e.ErrCode == noMessage:
		height, err = k.lastDropped(ctx)
		return height, nil, err
	case e != nil:
		return 0, nil, fmt.Errorf("read the end of the log: %s (%d)", e.Description, e.ErrCode)
	}
	stored := nats.NewMsg(logSubject)
	stored.Data = answer.Message.Data
	if len(answer.Message.Header) > 0 {
		if stored.Header, err = nats.DecodeHeadersMsg(answer.Message.Header); err != nil {
			return 0, nil, fmt.Errorf("read the end of the log: %w", err)
		}
	}
	stored.Header.Set(headerSequence, strconv.FormatUint(answer.Message.Sequence, 10))
	stored.Header.Set(headerTime, answer.Message.Time.Format(time.RFC3339Nano))
	height, entry, err := entryOf(stored)
	if err != nil {
		return 0, nil, err
	}
	return height, hashOf(entry), nil
}

// from reads entries from a height on, without gaps, as many as one answer has.
func (r reader) from(ctx context.Context, height uint64) ([]*meshosv1.LoggedEntry, error) {
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	body, err := json.Marshal(getRequest{Seq: height, Batch: readBatch, MaxBytes: readBytes})
	if err != nil {
		return nil, err
	}
	in := r.nc.NewInbox()
	sub, err := r.nc.SubscribeSync(in)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails if the connection has ended
	if err := r.nc.PublishRequest(r.subject, in, body); err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	var out []*meshosv1.LoggedEntry
	for {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case err != nil && len(out) > 0:
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("read the log from entry %d on: %w", height, err)
		case m.Header.Get(headerStatus) == "404" && len(out) == 0:
			return nil, errNoEntry
		case m.Header.Get(headerStatus) != "" && (len(out) > 0 || m.Header.Get(headerStatus) == "204"):
			return out, nil
		case m.Header.Get(headerStatus) != "":
			return nil, fmt.Errorf("read the log from entry %d on: %s %s", height, m.Header.Get(headerStatus), m.Header.Get("Description"))
		}
		at, entry, err := entryOf(m)
		if err != nil || at != height+uint64(len(out)) {
			return out, err // what is missing is read again
		}
		out = append(out, entry)
	}
}
