package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/meshos/meshos/pluginsdk"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
)

const (
	readyWithin = 1200 * time.Millisecond
	orderWithin = 5 * time.Second // if the host sets no limit
	maxEntry    = maxPayload - 4096
)

// Order appends an entry to the log if it is the next one. It asks a seed first whether the log
// takes entries: without a quorum nothing is published, because what is published and gets no
// answer may be taken later.
func (n *node) Order(ctx context.Context, req *pluginv1.OrderRequest) error {
	switch {
	case req.GetHeight() == 0 || len(req.GetId()) == 0:
		return pluginsdk.Invalid(errors.New("an order has a height and an id"))
	case len(req.GetEntry()) > maxEntry:
		return pluginsdk.Invalid(fmt.Errorf("the entry has %d bytes, and the log takes %d", len(req.GetEntry()), maxEntry))
	case req.GetHeight() == 1 && req.GetLogTime() == nil && !n.members.Load().found:
		return pluginsdk.Unavailable(errors.New("the log is empty, and this node does not found the mesh: it is filled up from the record of a node that has one"))
	}
	l, err := n.linked()
	if err != nil {
		return err
	}
	if err := l.askReady(ctx, req); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, orderWithin)
	defer cancel()
	answer, err := l.append(ctx, req)
	switch {
	case errors.Is(err, nats.ErrNoResponders):
		return pluginsdk.Unavailable(errors.New("the log has no leader at the moment"))
	case err != nil:
		return pluginsdk.Unknown(fmt.Errorf("entry %d was published, and whether the log took it is not known yet: %w", req.GetHeight(), err))
	case answer.Error == nil && answer.Duplicate && req.GetLogTime() != nil:
		return filledAlready(req)
	case answer.Error == nil:
		return nil
	}
	return l.refused(ctx, req, answer.Error)
}

// askReady returns nil if the log takes the entry now, as far as the seed knows. What fills the
// log up goes on while the log waits to be filled up.
func (l *leaf) askReady(ctx context.Context, req *pluginv1.OrderRequest) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	state, err := l.ready(ctx)
	switch {
	case err != nil:
		return err
	case !state.GetQuorum():
		return pluginsdk.Unavailable(errors.New("too few seeds hear each other: the log takes nothing"))
	case state.GetWaits() != "" && req.GetLogTime() == nil:
		return pluginsdk.Unavailable(errors.New(state.GetWaits()))
	}
	return nil
}

// pubAck is what JetStream answers.
type pubAck struct {
	Sequence  uint64    `json:"seq"`
	Duplicate bool      `json:"duplicate"`
	Error     *apiError `json:"error"`
}

type apiError struct {
	Code        int    `json:"code"`
	ErrCode     int    `json:"err_code"`
	Description string `json:"description"`
}

// Numbers of JetStream's errors.
const (
	noMessage         = 10037
	wrongLastSequence = 10071
	storeFailed       = 10077 // the store's text says why
	inProcess         = 10158 // it was published before, and too few seeds have it yet
)

func (l *leaf) append(ctx context.Context, req *pluginv1.OrderRequest) (*pubAck, error) {
	m := nats.NewMsg(logSubject)
	m.Data = req.GetEntry()
	m.Header.Set(nats.MsgIdHdr, hex.EncodeToString(req.GetId()))
	m.Header.Set(nats.ExpectedLastSeqHdr, strconv.FormatUint(req.GetHeight()-1, 10))
	if at := req.GetLogTime(); at != nil {
		m.Header.Set(headerLogTime, strconv.FormatInt(at.AsTime().UnixNano(), 10))
	}
	reply, err := l.nc.RequestMsgWithContext(ctx, m)
	if err != nil {
		return nil, err
	}
	answer := &pubAck{}
	if err := json.Unmarshal(reply.Data, answer); err != nil {
		return nil, fmt.Errorf("the log's answer can't be read: %w", err)
	}
	return answer, nil
}

// refused returns what an entry that was not appended means to the host.
func (l *leaf) refused(ctx context.Context, req *pluginv1.OrderRequest, why *apiError) error {
	switch why.ErrCode {
	case wrongLastSequence:
		_, there, err := reader{l.nc, directGet}.one(ctx, req.GetHeight())
		switch {
		case err != nil || !bytes.Equal(there.GetEntry(), req.GetEntry()):
		case req.GetLogTime() != nil:
			return filledAlready(req)
		default:
			return nil // it was taken before
		}
		return pluginsdk.Aborted(fmt.Errorf("entry %d does not come next: %s", req.GetHeight(), why.Description))
	case inProcess:
		return pluginsdk.Unknown(fmt.Errorf("entry %d was published before, and whether the log takes it is not known yet", req.GetHeight()))
	case storeFailed:
		if strings.Contains(why.Description, server.ErrMaxBytes.Error()) {
			return pluginsdk.FailedPrecondition(errors.New("the log is full: raise max_log on all seeds"))
		}
		// One seed has a disk that fails; the others may have taken it.
		return pluginsdk.Unknown(fmt.Errorf("a seed can't store entry %d, and whether the others did is not known yet: %s", req.GetHeight(), why.Description))
	}
	if why.Code == 503 {
		return pluginsdk.Unavailable(fmt.Errorf("the log takes nothing: %s", why.Description))
	}
	return pluginsdk.FailedPrecondition(fmt.Errorf("the log refuses entry %d: %s (%d)", req.GetHeight(), why.Description, why.ErrCode))
}

// filledAlready is the error for an entry that somebody else filled the log up with, so that the
// log is not filled up by several at once.
func filledAlready(req *pluginv1.OrderRequest) error {
	return pluginsdk.Aborted(fmt.Errorf("the log has entry %d already", req.GetHeight()))
}
