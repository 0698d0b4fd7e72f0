package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// TCP checks by opening a connection to host:port.
func TCP(target string) Probe {
	return ProbeFunc(func(ctx context.Context) Answer {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", target)
		if err != nil {
			return Answer{Failure: connectFailure(target, err)}
		}
		_ = conn.Close()
		return Answer{}
	})
}

// connectFailure describes why a connection failed, in the same words for the same cause, so that
// it counts as unchanged.
func connectFailure(target string, err error) string {
	var system *os.SyscallError
	var name *net.DNSError
	switch {
	case errors.As(err, &system):
		return "connect to " + target + ": " + system.Err.Error()
	case errors.As(err, &name):
		return "connect to " + target + ": " + name.Err
	}
	return "connect to " + target + ": " + err.Error()
}

// saturationHeader is the header of an answer that reports how busy the daemon is.
const saturationHeader = "Meshos-Saturation"

// HTTP checks by getting a URL: 2xx and 3xx are good. It follows no redirect and uses no proxy,
// and each check makes a connection of its own.
func HTTP(url string) Probe {
	client := &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return ProbeFunc(func(ctx context.Context) Answer {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return Answer{Failure: err.Error()}
		}
		request.Header.Set("User-Agent", "meshos-health")
		answer, err := client.Do(request)
		if err != nil {
			return Answer{Failure: connectFailure(request.URL.Host, err)}
		}
		_ = answer.Body.Close()
		var out Answer
		out.Saturation, out.HasSaturation = saturation(answer.Header.Get(saturationHeader))
		if answer.StatusCode < 200 || answer.StatusCode > 399 {
			out.Failure = fmt.Sprintf("GET %s answered %s", request.URL.Redacted(), answer.Status)
		}
		return out
	})
}

// timedOut describes a check that took too long.
func timedOut(timeout time.Duration) string { return fmt.Sprintf("no answer within %v", timeout) }
