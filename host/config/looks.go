package config

import (
	"errors"
	"sync"
	"time"

	"github.com/meshos/meshos/internal/readfile"
)

// looksAtOnce bounds how many of the files that a configuration names are looked at at once.
const looksAtOnce = 64

// look is one file to be looked at.
type look struct {
	key    string
	path   string
	places []place
	worth  worth                      // of what is wrong
	bad    func(path string) *fault   // examines the file
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

func (l *looks) add(key, path string, bad func(string) *fault, places ...place) *look {
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
	apply, err := readfile.Do(o.path, max(0, time.Until(end)), func() (func(*reader), error) { return o.examine(), nil })
	if err != nil {
		apply = func(r *reader) { r.notLooked(o.key, err, o.places...) }
		if o.late != nil {
			apply = func(r *reader) { o.late(r, err) }
		}
	}
	o.apply = apply
}

// examine looks at the file, and returns what reports what is wrong with it.
func (o *look) examine() func(r *reader) {
	if o.read != nil {
		return o.read()
	}
	f := o.bad(o.path)
	return func(r *reader) {
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
