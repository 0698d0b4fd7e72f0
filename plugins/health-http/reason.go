package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/meshos/meshos/internal/plaintext"
	"github.com/meshos/meshos/plugins/internal/healthprobe"
)

// answerFailure returns in words why no whole answer came on a connection that was there.
func answerFailure(ctx context.Context, err error) error {
	failure := &healthprobe.Failure{Detail: shorten(err.Error(), 200)}
	switch {
	case late(ctx, err):
		return noAnswer()
	case refusal(err) != "":
		failure.Reason = "refuses TLS: " + refusal(err)
	case errors.Is(err, errHeadTooLong):
		failure.Reason = errHeadTooLong.Error()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		failure.Reason = "connects, but ends the connection without a whole answer"
	default:
		failure.Reason = "does not speak HTTP"
	}
	return failure
}

// noAnswer is the failure of a peer that hangs: its kernel accepts connections, and that
// is all.
func noAnswer() error {
	return &healthprobe.Failure{Reason: "connects, but does not answer in time"}
}

// late reports whether the time of an attempt was over.
func late(ctx context.Context, err error) bool {
	return ctx.Err() != nil || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}

// handshakeFailure returns in words why a TLS handshake failed.
func handshakeFailure(ctx context.Context, err error) error {
	failure := &healthprobe.Failure{Detail: shorten(err.Error(), 300)}
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		plain     tls.RecordHeaderError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil && time.Now().Before(invalid.Cert.NotBefore):
		failure.Reason = "certificate is not valid before " + invalid.Cert.NotBefore.UTC().Format("2006-01-02 15:04 UTC")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && invalid.Cert != nil:
		failure.Reason = "certificate expired " + invalid.Cert.NotAfter.UTC().Format("2006-01-02 15:04 UTC")
	case errors.As(err, &authority):
		failure.Reason = "certificate is of an unknown authority"
	case errors.As(err, &name):
		failure.Reason = "certificate is for another name"
	case errors.As(err, &invalid):
		failure.Reason = "certificate is not valid for this"
	case errors.As(err, &plain):
		failure.Reason = "does not speak TLS"
	case refusal(err) != "":
		failure.Reason = "refuses TLS: " + refusal(err)
	case late(ctx, err):
		return noAnswer()
	default:
		failure.Reason = "TLS handshake failed"
	}
	return failure
}

// refusal returns the alert by which the other side ended TLS, "" if it did not.
func refusal(err error) string {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return ""
	}
	return strings.TrimPrefix(op.Err.Error(), "tls: ")
}

// excerpt returns the beginning of a body for the log.
func excerpt(body []byte) string {
	line, _, _ := strings.Cut(strings.TrimSpace(string(body[:min(len(body), 1000)])), "\n")
	return shorten(line, 200)
}

// shorten makes text from outside fit for a line, within so many bytes.
func shorten(text string, most int) string { return plaintext.Clean(text, most) }
