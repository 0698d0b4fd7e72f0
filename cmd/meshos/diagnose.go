package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// lookWithin bounds how long it is looked at why a node does not answer.
const lookWithin = time.Second

// Hints of what to do about a node that does not answer.
const (
	hintBusy    = "try again, or look into the node's log; `meshos status --timeout 1m` waits longer"
	hintTooMany = "end clients that are not needed any more; root has connections of its own"
)

// diagnose returns what is wrong with the socket, and what to do about it. It is not
// called for a socket that this user has no access to.
func (n *nodeClient) diagnose() (reason, hint string) {
	info, err := readfile.Stat(n.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "it does not exist", n.hint()
	case err != nil:
		return err.Error(), n.hint()
	case info.Mode().Type() != os.ModeSocket:
		return "it is not a socket", n.hint()
	}
	conn, err := net.DialTimeout("unix", n.path, lookWithin)
	if err != nil {
		return n.refusal(err)
	}
	defer func() { _ = conn.Close() }()
	return greeting(conn, n.hint())
}

// refusal returns what it means that nobody could connect to the socket.
func (n *nodeClient) refusal(err error) (reason, hint string) {
	var timeout net.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens on it", n.hint()
	case errors.Is(err, syscall.EAGAIN), errors.As(err, &timeout) && timeout.Timeout():
		return "the node is too busy to accept connections, or it is stopped", hintBusy
	}
	return err.Error(), n.hint()
}

// greeting tells from the first bytes of a connection what listens there: a node sends the
// settings of HTTP/2 at once.
func greeting(conn net.Conn, hint string) (reason, what string) {
	_ = conn.SetReadDeadline(time.Now().Add(lookWithin))
	head := make([]byte, 9) // a frame's header; the fourth byte is its type, 4 for settings
	_, err := io.ReadFull(conn, head)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "what listens on it accepts connections but does not answer: it is busy, or not a meshos node", hintBusy
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return "the node closes connections at once: it has too many", hintTooMany
	case err != nil:
		return err.Error(), hint
	case head[3] == 4 && head[5]|head[6]|head[7]|head[8] == 0:
		return "the connection broke", hintBusy
	}
	return "the program that listens on it is not a meshos node", hint
}

// noAnswer returns the error of a node that does not answer.
func (n *nodeClient) noAnswer() error {
	if denied := n.denied(); denied != nil {
		return denied
	}
	reason, hint := n.diagnose()
	return &noAnswerError{path: n.path, reason: reason, hint: hint}
}

// late returns the error of a node that answers too late.
func (n *nodeClient) late() error {
	return &noAnswerError{
		path: n.path, reason: fmt.Sprintf("no answer within %v", n.timeout),
		hint: "the node is busy: wait longer with --timeout, or look into its log",
	}
}

// hint returns how to start the node.
func (n *nodeClient) hint() string {
	if n.config == "" {
		return "start a node with `meshos run`, or name its socket with --address"
	}
	return fmt.Sprintf("start the node with `meshos run --config %s`, or name another node's socket with --address", n.config)
}
