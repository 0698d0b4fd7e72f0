package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/meshos/meshos/plugins/internal/healthprobe"
)

const (
	// maxHead bounds the status line and the header of an answer, in bytes.
	maxHead = 64 << 10
	// maxBody bounds how much of a body is read: the rest can't matter.
	maxBody = 1 << 20
	// maxInterim bounds the informational answers (100 … 199) before the final one.
	maxInterim = 5
)

// askHTTP makes one GET request on a connection of its own. There are no redirects, no
// proxy, no cookies and no second request, so a good answer is one of this target.
func (c *checker) askHTTP(ctx context.Context, t target, via healthprobe.Route) healthprobe.Attempt {
	conn, err := c.dialer.Dial(ctx, t.address, via)
	if err != nil {
		return healthprobe.Attempt{Err: err}
	}
	defer func() { _ = conn.Close() }()
	defer bound(ctx, conn)()
	a := healthprobe.Attempt{Remote: conn.Remote}
	var wire net.Conn = conn
	if t.tls() {
		secure := tls.Client(plainCloser{conn}, c.trust.client(t.host, "http/1.1"))
		if err := secure.HandshakeContext(ctx); err != nil {
			a.Err = handshakeFailure(ctx, err)
			return a
		}
		a.Doubt = expiresSoon(secure.ConnectionState().VerifiedChains, time.Now())
		wire = secure
	}
	code, body, err := get(wire, t)
	if err != nil {
		a.Err = answerFailure(ctx, err)
		return a
	}
	a.Took = time.Since(conn.Began)
	a.Err = c.accepts.of(t.text).judge(code, body)
	return a
}

// judge returns why an answer is not a good one.
func (r rule) judge(code int, body []byte) error {
	switch {
	case !r.status(code):
		reason := fmt.Sprintf("answers %d %s", code, http.StatusText(code))
		if code >= 300 && code < 400 {
			reason += ", and redirects are not followed"
		}
		return &healthprobe.Failure{Reason: reason, Detail: excerpt(body)}
	case r.body != "" && !bytes.Contains(body, []byte(r.body)):
		return &healthprobe.Failure{Reason: fmt.Sprintf("answers without %q", shorten(r.body, 60)), Detail: excerpt(body)}
	}
	return nil
}

// get sends the request and reads the whole answer.
func get(conn net.Conn, t target) (code int, body []byte, err error) {
	req := &http.Request{
		Method: http.MethodGet, URL: t.url, Host: t.url.Host, Close: true,
		Header: http.Header{"User-Agent": {"meshos-health-http/" + version}, "Accept": {"*/*"}},
	}
	if err := req.Write(conn); err != nil {
		return 0, nil, err
	}
	limit := &io.LimitedReader{R: conn, N: maxHead}
	in := bufio.NewReader(limit)
	for range maxInterim + 1 {
		resp, err := http.ReadResponse(in, req)
		if err != nil {
			if limit.N <= 0 {
				return 0, nil, errHeadTooLong
			}
			return 0, nil, err
		}
		if resp.StatusCode < 200 {
			continue
		}
		limit.N = maxBody + maxHead // chunks need some more
		body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
		return resp.StatusCode, body, err
	}
	return 0, nil, errOnlyInterim
}

var (
	errHeadTooLong = errors.New("the header of the answer is too long")
	errOnlyInterim = errors.New("too many interim answers")
)

// bound applies the deadline and the end of ctx to a connection. The function that it
// returns undoes that.
func bound(ctx context.Context, conn net.Conn) func() bool {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	return context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
}

// plainCloser leaves the connection open when TLS closes it: its owner does that.
type plainCloser struct{ *healthprobe.Connection }

// Close does nothing.
func (plainCloser) Close() error { return nil }
