package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"time"
)

// client makes single requests to the orchestrator: limited in time and size, with the
// token, without following redirects. It knows nothing of migrations.
type client struct {
	base    *url.URL
	token   *tokenFile // nil: without a token
	http    *http.Client
	timeout time.Duration
	maxBody int
}

// newClient reads the certificates. Its errors name the key of the configuration.
func newClient(c config) (*client, error) {
	base, err := parseBase(c.URL)
	if err != nil {
		return nil, err
	}
	tlsConf, err := tlsConfig(c)
	if err != nil {
		return nil, err
	}
	out := &client{base: base, timeout: c.timeout(), maxBody: c.MaxBody}
	if c.TokenFile != "" {
		out.token = &tokenFile{path: c.TokenFile}
	}
	out.http = &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment, // if the plugin's entry grants the variables
			DialContext:            (&net.Dialer{Timeout: c.timeout(), KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:        tlsConf,
			TLSHandshakeTimeout:    c.timeout(),
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // so the limit of the body also limits what is received
			MaxConnsPerHost:        4,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect could send the token to another server, and turn a POST into a
		// GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return out, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// answer is an HTTP response of any status.
type answer struct {
	status     int
	body       []byte        // of a GET, or the beginning of an error's
	location   string        // of a redirect
	retryAfter time.Duration // 0: there is none
}

// unsent marks the error of a request that never reached the orchestrator, so that it is
// safe to send it again.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// do makes one request. An error means that no answer came, or only a part of what GET
// asked for. It is unsent if the orchestrator can't have seen the request.
func (c *client) do(ctx context.Context, method, path string, body []byte, header http.Header) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, bytes.NewReader(body))
	if err != nil {
		return nil, unsent{err}
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "meshos-"+name+"/"+version)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != nil {
		token, err := c.token.read()
		if err != nil {
			return nil, unsent{err}
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.transportError(ctx, err)
	}
	defer res.Body.Close()
	a := &answer{
		status:     res.StatusCode,
		location:   res.Header.Get("Location"),
		retryAfter: retryAfter(res.Header.Get("Retry-After"), time.Now()),
	}
	switch {
	case a.status < 200 || a.status >= 300:
		// The status is the answer. If its text can't be read, that does not matter.
		a.body, _ = io.ReadAll(io.LimitReader(res.Body, mostErrorText))
		return a, nil
	case method != http.MethodGet:
		return a, nil // the status is the whole answer
	}
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, int64(c.maxBody)+1)); err != nil {
		return nil, c.transportError(ctx, err)
	}
	if len(a.body) > c.maxBody {
		return nil, fmt.Errorf("the answer is larger than max_body (%d bytes)", c.maxBody)
	}
	return a, nil
}

// mostErrorText limits how much of an error's body is read.
const mostErrorText = 16 << 10

// transportError returns err without the address, which callers add.
func (c *client) transportError(ctx context.Context, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return unsent{fmt.Errorf("no connection: %w", err)}
	}
	if ctx.Err() != nil || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no whole answer in time (timeout is %s): %w", c.timeout, err)
	}
	return err
}
