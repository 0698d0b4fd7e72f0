package pluginsdk

import (
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/pluginsdk/wire"
)

// lifeline watches the pipe that ends with the host, and returns a channel that is closed
// at its end-of-file. Without such a pipe the channel is nil, so it is never closed.
func lifeline(env func(string) (string, bool)) (<-chan struct{}, error) {
	text, ok := env(wire.LifelineVariable)
	if !ok {
		return nil, nil
	}
	fd, err := strconv.Atoi(text)
	if err != nil || fd < 3 {
		return nil, fmt.Errorf("%s=%q is not the number of a descriptor", wire.LifelineVariable, text)
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("%s=%d is not open: %w", wire.LifelineVariable, fd, err)
	}
	unix.CloseOnExec(fd) // the plugin's own children must not hold it
	pipe := os.NewFile(uintptr(fd), "lifeline")
	gone := make(chan struct{})
	go func() { // ends with the host, or with the process
		defer close(gone)
		// Nothing that comes from it has a meaning. An error is an end like any other.
		_, _ = io.Copy(io.Discard, pipe)
	}()
	return gone, nil
}
