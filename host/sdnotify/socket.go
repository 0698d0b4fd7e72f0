package sdnotify

import (
	"net"
	"os"
	"time"
)

// sendWithin bounds how long the service manager may take to take a message: its socket
// may be full.
const sendWithin = time.Second

// listened reports whether there is a service manager.
func listened() bool { return os.Getenv("NOTIFY_SOCKET") != "" }

// notify sends one message to the service manager, if there is one.
func notify(message string) error {
	if !listened() {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: os.Getenv("NOTIFY_SOCKET"), Net: "unixgram"})
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetWriteDeadline(time.Now().Add(sendWithin)); err != nil {
		return err
	}
	_, err = conn.Write([]byte(message))
	return err
}
