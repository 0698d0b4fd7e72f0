package datadir

import (
	"errors"
	"fmt"
	"os"

	"github.com/meshos/meshos/internal/readfile"
	"github.com/meshos/meshos/internal/unwritable"
)

// UnwritableError means that a data directory takes nothing for now.
type UnwritableError struct {
	Dir string
	Err error
}

// Error implements error.
func (e *UnwritableError) Error() string {
	return fmt.Sprintf("data directory %s can't be written: %v. The node supervises its daemons all the same; it refuses signed commands and orders, "+
		"since it could not keep them, and its records wait in memory. Free space there, or mount it writable again", e.Dir, e.Err)
}

// Unwrap returns the cause.
func (e *UnwritableError) Unwrap() error { return e.Err }

// Writable reports whether the disk of a data directory takes anything: the error is an
// *UnwritableError if not. What else may be wrong is found by those who write there.
func Writable(dir string) error {
	_, err := readfile.Do(dir, openWithin, func() (struct{}, error) { return struct{}{}, tryToWrite(dir) })
	if unwritable.Is(err) {
		return &UnwritableError{Dir: dir, Err: err}
	}
	return nil
}

func tryToWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".writable-*")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 4096))
	return errors.Join(err, f.Close(), os.Remove(f.Name()))
}
