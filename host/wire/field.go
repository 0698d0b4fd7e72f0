package wire

import (
	"fmt"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/meshos/meshos/host/mesh"
)

// FieldError names the field of a message that is wrong, and what is wrong with it.
type FieldError struct {
	Path    string // as in the contract: "replica_update.holder"
	Problem string // "must not be 0"
}

// Error returns "replica_update.holder: must not be 0".
func (e *FieldError) Error() string { return e.Path + ": " + e.Problem }

// fields reads the fields of one message and remembers the first that is wrong. Once err
// is set, the values that were read must not be used.
type fields struct {
	at  string // path of the message; "" for the outermost
	err error
}

func (f *fields) path(field string) string {
	if f.at == "" {
		return field
	}
	return f.at + "." + field
}

func (f *fields) fail(field, format string, args ...any) {
	if f.err == nil {
		f.err = &FieldError{Path: f.path(field), Problem: fmt.Sprintf(format, args...)}
	}
}

// id reads an id that must be set.
func (f *fields) id(field string, id uint64) uint64 {
	if id == 0 {
		f.fail(field, "must not be 0")
	}
	return id
}

// optionalID reads an id that may be left out: then it is 0.
func (f *fields) optionalID(field string, id *uint64) uint64 {
	if id == nil {
		return 0
	}
	if *id == 0 {
		f.fail(field, "must not be 0; leave it out for none")
	}
	return *id
}

// ids reads a list of ids, none of which may be 0.
func ids[T ~uint64](f *fields, field string, list []uint64) []T {
	if len(list) == 0 {
		return nil
	}
	out := make([]T, len(list))
	for i, id := range list {
		out[i] = T(f.id(field+"["+strconv.Itoa(i)+"]", id))
	}
	return out
}

// text reads a string, which must be UTF-8.
func (f *fields) text(field, s string) string {
	if !utf8.ValidString(s) {
		f.fail(field, "must be valid UTF-8")
	}
	return s
}

// MaxReason is how long the reason of a command may be, in bytes.
const MaxReason = mesh.MaxReason

// reason reads why a command was given.
func (f *fields) reason(field, s string) string {
	if len(s) > mesh.MaxReason {
		f.fail(field, "has %d bytes; the reason of a command may have at most %d", len(s), mesh.MaxReason)
	}
	return f.text(field, s)
}

// duration reads a duration that may be left out: then it is nil. One that is longer than
// a time.Duration can be saturates.
func (f *fields) duration(field string, d *durationpb.Duration) *time.Duration {
	if d == nil {
		return nil
	}
	if !d.IsValid() {
		f.fail(field, "must be a valid duration, seconds and nanoseconds of one sign and in range")
		return nil
	}
	out := d.AsDuration()
	if out < 0 {
		f.fail(field, "must not be negative, is %v", out)
	}
	return &out
}

// durationOr0 reads a duration that may be left out: then it is 0.
func (f *fields) durationOr0(field string, d *durationpb.Duration) time.Duration {
	if out := f.duration(field, d); out != nil {
		return *out
	}
	return 0
}

// finite checks that a number is finite.
func (f *fields) finite(field string, v float64) {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		f.fail(field, "must be a finite number, is %v", v)
	}
}

// enum reads a value of an enum whose last known value is last. The enums of host/mesh
// have the contract's numbers, and 0 means that the value is not set.
func (f *fields) enum(field string, v, last int32) uint8 {
	switch {
	case v == 0:
		f.fail(field, "must be set")
	case v < 0 || v > last:
		f.fail(field, "has the unknown value %d", v)
	}
	return uint8(max(0, min(v, last)))
}

// enumOr0 reads a value of an enum that may be left out: then it is 0.
func (f *fields) enumOr0(field string, v, last int32) uint8 {
	if v == 0 {
		return 0
	}
	return f.enum(field, v, last)
}
