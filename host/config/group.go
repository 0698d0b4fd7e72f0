package config

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"strconv"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// lookupWithin bounds how long it may take to look up a group: that may ask a server.
const lookupWithin = 5 * time.Second

// LookupGroup returns the number of a group that is given by name or number.
func LookupGroup(name string) (gid int, err error) {
	if gid, err := strconv.ParseUint(name, 10, 31); err == nil {
		return int(gid), nil
	}
	found, err := readfile.Do("group "+name, lookupWithin, func() (*user.Group, error) { return user.LookupGroup(name) })
	var unknown user.UnknownGroupError
	switch {
	case errors.As(err, &unknown):
		return 0, &NoGroupError{name}
	case err != nil:
		return 0, fmt.Errorf("group %q can't be looked up: %w", name, err)
	}
	return strconv.Atoi(found.Gid)
}

// NoGroupError means that there is no group of this name.
type NoGroupError struct{ Name string }

// Error implements error.
func (e *NoGroupError) Error() string {
	return e.what() + "; " + e.remedy()
}

func (e *NoGroupError) what() string { return fmt.Sprintf("there is no group %q", e.Name) }

func (e *NoGroupError) remedy() string {
	return "create it with groupadd --system " + e.Name + ", or correct the name"
}

// badGroup returns why a group can't be let in to the socket, nil if it can.
func badGroup(ctx context.Context, name string, within time.Duration) (*fault, error) {
	return inTime(func() *fault { return faultOfGroup(name) })(ctx, name, within)
}

func faultOfGroup(name string) *fault {
	_, err := LookupGroup(name)
	var none *NoGroupError
	switch {
	case errors.As(err, &none):
		return &fault{message: none.what(), hint: none.remedy() + "; until then only root and the node's user have access to the socket"}
	case err != nil:
		return &fault{message: err.Error(), hint: "until then only root and the node's user have access to the socket"}
	}
	return nil
}
