package config

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// looksAtOnce bounds how many of the files that a configuration names are looked at at once.
// One that hangs has a thread, and those that come after it do not wait for it.
const looksAtOnce = 256

// examine returns what is wrong with a file, nil for nothing. The error says that it could
// not be found out within that time.
type examine func(ctx context.Context, path string, within time.Duration) (*fault, error)

// inTime returns what bad finds, if it does so within the time.
func inTime(bad func() *fault) examine {
	return func(ctx context.Context, path string, within time.Duration) (*fault, error) {
		return readfile.DoContext(ctx, path, within, func() (*fault, error) { return bad(), nil })
	}
}

// look is one file to be looked at.
type look struct {
	key    string
	path   string
	places []place
	worth  worth                      // of what is wrong
	bad    examine                    // examines the file
	read   func() func(r *reader)     // or reads it, and returns what reports its mistakes
	late   func(r *reader, err error) // reports that it can't be looked at in time; nil for a warning
	apply  func(r *reader)            // reports what was found
}

// worth is how bad it is if a file is not what it should be.
type worth uint8

const (
	asMistake  worth = iota // the node does not start
	asFault                 // the entry that names the file can't be used
	asRequired              // the same, and the node does not start without the entry
	asWarning
)

// looks are files to be looked at, in the order in which they are reported.
type looks []*look

func (l *looks) add(key, path string, bad examine, places ...place) *look {
	next := &look{key: key, path: path, bad: bad, places: places}
	*l = append(*l, next)
	return next
}

// report looks at all files at once, within this time together, and then reports what is
// wrong with them.
func (l looks) report(r *reader, within time.Duration) {
	end := time.Now().Add(within)
	slots := make(chan struct{}, looksAtOnce)
	var all sync.WaitGroup
	for _, one := range l {
		slots <- struct{}{}
		all.Go(func() {
			one.look(end)
			<-slots
		})
	}
	all.Wait()
	for _, one := range l {
		one.apply(r)
	}
}

func (o *look) look(end time.Time) {
	within := max(0, time.Until(end))
	var err error
	if o.read != nil {
		o.apply, err = readfile.Do(o.path, within, func() (func(*reader), error) { return o.read(), nil })
	} else {
		var f *fault
		f, err = o.bad(context.Background(), o.path, within)
		o.apply = func(r *reader) { o.report(r, f) }
	}
	if err != nil {
		o.apply = func(r *reader) { r.notLooked(o.key, err, o.places...) }
		if o.late != nil {
			o.apply = func(r *reader) { o.late(r, err) }
		}
	}
}

// report reports what is wrong with the file; nil for nothing.
func (o *look) report(r *reader, f *fault) {
	switch {
	case f == nil:
	case o.worth == asWarning:
		r.warning(o.key, *f, o.places...)
	case o.worth == asMistake:
		r.problem(o.key, *f, o.places...)
	default:
		r.fault(o.key, *f, o.places...)
		if o.worth == asRequired {
			r.required = append(r.required, r.at(o.key, *f, o.places))
		}
	}
}

// notLooked warns that a file could not be looked at.
func (r *reader) notLooked(key string, err error, places ...place) {
	r.warning(key, fault{
		message: "could not be checked: " + err.Error(), hint: "the node starts without waiting for it",
	}, places...)
}

// isHung reports whether the error is that of a file system that does not answer.
func isHung(err error) bool {
	var hung *readfile.HungError
	return errors.As(err, &hung)
}
