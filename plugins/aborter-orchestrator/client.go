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

// client makes single requests to the orchestrator: bounded in time and size,
// with the token, never following a redirect. It knows nothing of migrations.
type client struct {
	base    *url.URL
	token   *tokenFile // nil: none
	http    *http.Client
	timeout time.Duration
	maxBody int
}

// newClient reads the certificates; its errors name the key.
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
			Proxy:                  http.ProxyFromEnvironment, // only what the plugin's entry grants
			DialContext:            (&net.Dialer{Timeout: c.timeout(), KeepAlive: 15 * time.Second}).DialContext,
			TLSClientConfig:        tlsConf,
			TLSHandshakeTimeout:    c.timeout(),
			ForceAttemptHTTP2:      true,
			DisableCompression:     true, // the bound on the body then holds on the wire, too
			MaxConnsPerHost:        4,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect could carry the token to somebody else, and make a GET of
		// a POST. The address in url has to be the right one.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return out, nil
}

func (c *client) close() { c.http.CloseIdleConnections() }

// answer is what came back, whatever its status.
type answer struct {
	status     int
	body       []byte        // of a GET, or the beginning of an error's
	location   string        // of a redirect
	retryAfter time.Duration // 0: not said
}

// unsent is the cause of a request that never reached the orchestrator, so that
// it may be made again whatever it asks for.
type unsent struct{ error }

func (e unsent) Unwrap() error { return e.error }

// do makes one request. An error means that no answer came, or not the whole of what
// was to be got; it is unsent if the orchestrator can't have seen the request.
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
		// The status is the answer; of its text, whatever comes will do.
		a.body, _ = io.ReadAll(io.LimitReader(res.Body, mostErrorText))
		return a, nil
	case method != http.MethodGet:
		return a, nil // done is done, whatever is said about it
	}
	if a.body, err = io.ReadAll(io.LimitReader(res.Body, int64(c.maxBody)+1)); err != nil {
		return nil, c.transportError(ctx, err)
	}
	if len(a.body) > c.maxBody {
		return nil, fmt.Errorf("the answer is larger than max_body (%d bytes)", c.maxBody)
	}
	return a, nil
}

// mostErrorText bounds what is read of the body of an error.
const mostErrorText = 16 << 10

// transportError says what broke, without the address that callers add.
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
