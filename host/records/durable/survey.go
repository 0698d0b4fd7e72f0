package durable

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/meshos/meshos/host/records/disk"
	"github.com/meshos/meshos/host/records/segment"
)

// held is one file of a chain, as far as it is believed.
type held struct {
	number  uint64
	first   uint64      // number of its first entry
	end     segment.End // up to here
	created time.Time
	newest  time.Time
	size    int64 // of the file
	// state is what to append with; only of files that were read whole.
	state segment.Builder
}

// survey is what a folder holds.
type survey struct {
	believed []held // oldest first
	// last is the number of the newest file, believed or not; 0 for none.
	last uint64
	// damage is what is wrong, in the order of the files. That up to known was seen
	// before: a later file goes on before it.
	damage []*segment.DamageError
	known  int
	// torn is the unfinished end of the newest file.
	torn *segment.DamageError
	// aside are files of which nothing is believed, by number, with their sizes.
	aside map[uint64]int64
	// whole says that the newest file is believed to its end, so that it can grow.
	whole bool
}

var errMissing = errors.New("the records before it are missing")

// take reads the files of a folder without changing any. Sealed files are believed
// for their footers; to check all, read them.
func take(fs disk.FS, chain string) (*survey, error) {
	names, err := fs.List()
	if err != nil {
		return nil, fmt.Errorf("%s records: %w", chain, err)
	}
	s := &survey{aside: map[uint64]int64{}}
	for _, name := range names {
		if number := numberOf(name); number > 0 {
			s.last = number // names sort as their numbers do
			if err := s.file(fs, chain, number); err != nil {
				return nil, fmt.Errorf("%s records: %w", chain, err)
			}
		}
	}
	// A torn end is one only in the newest file.
	if n := len(s.damage); n > s.known && s.damage[n-1].Torn && s.damage[n-1].File == path(fs, s.last) {
		s.torn, s.damage = s.damage[n-1], s.damage[:n-1]
	}
	s.whole = len(s.damage) == s.known && s.torn == nil && len(s.believed) > 0 && s.tail().number == s.last
	return s, nil
}

func path(fs disk.FS, number uint64) string { return fs.Dir() + "/" + nameOf(number) }

func (s *survey) tail() *held { return &s.believed[len(s.believed)-1] }

// file takes one more file in. An error is one of opening it.
func (s *survey) file(fs disk.FS, chain string, number uint64) error {
	f, err := fs.Open(nameOf(number))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	f.Forget()
	size, err := f.Size()
	if err != nil {
		return err
	}
	r, err := segment.NewReader(path(fs, number), f, size)
	if err != nil {
		s.broken(damageOf(err, path(fs, number), segment.End{}), number, size)
		return nil
	}
	h := r.Header()
	if cause := s.join(fs, h, chain, number); cause != nil {
		s.broken(&segment.DamageError{File: path(fs, number), Cause: cause}, number, size)
		if !errors.Is(cause, errMissing) {
			return nil
		}
		s.known = len(s.damage) // it is said, but what there is goes on
		delete(s.aside, number)
	}
	one := held{number: number, first: h.First, created: h.Created, size: size}
	if footer, end, ok := segment.Seal(f, size); ok {
		end.Next = h.First + footer.Entries
		one.end, one.newest = end, footer.Newest
		s.believed = append(s.believed, one)
		return nil
	}
	for err == nil {
		_, _, err = r.Next()
	}
	one.end, one.state = r.End(), r.State()
	one.newest = one.state.Footer.Newest
	s.believed = append(s.believed, one)
	if !errors.Is(err, io.EOF) {
		s.damage = append(s.damage, damageOf(err, path(fs, number), one.end))
	}
	return nil
}

func (s *survey) broken(d *segment.DamageError, number uint64, size int64) {
	s.damage = append(s.damage, d)
	s.aside[number] = size
}

// join finds what a file follows, and forgets what it says not to believe.
func (s *survey) join(fs disk.FS, h segment.Header, chain string, number uint64) error {
	if h.Chain != chain || h.Number != number {
		return fmt.Errorf("it is file %d of the %s records", h.Number, h.Chain)
	}
	if h.PrevNumber == 0 || len(s.believed) == 0 {
		return s.start(h, chain)
	}
	for i := len(s.believed) - 1; i >= 0; i-- {
		b := &s.believed[i]
		if b.number != h.PrevNumber {
			continue
		}
		end := b.end
		if h.PrevEnd != end.Offset || h.PrevHash != end.Hash {
			if h.Follows == segment.FollowsSealed || h.PrevEnd > end.Offset {
				break
			}
			var err error
			if end, err = endAt(fs, b, h.PrevEnd); err != nil || end.Hash != h.PrevHash {
				break
			}
		} else if i < len(s.believed)-1 && h.Follows == segment.FollowsSealed {
			break
		}
		if h.First < end.Next {
			break
		}
		for _, later := range s.believed[i+1:] {
			s.aside[later.number] = later.size
		}
		s.believed = s.believed[:i+1]
		b.end = end
		s.settle(h.Follows)
		return nil
	}
	return fmt.Errorf("it does not follow what is there before it: it goes on at offset %d of file %d", h.PrevEnd, h.PrevNumber)
}

// start takes a file that follows none that is there.
func (s *survey) start(h segment.Header, chain string) error {
	switch {
	case h.PrevNumber == 0 && (len(s.believed) == 0 || h.Follows != segment.FollowsNothing):
		for _, b := range s.believed {
			s.aside[b.number] = b.size
		}
		s.believed = nil
		s.settle(h.Follows)
		return nil
	case h.PrevNumber == 0:
		return errors.New("it claims to be the first file, but is not")
	case len(s.damage) > s.known:
		return errors.New("nothing before it is believed")
	case keepsAll(chain):
		return errMissing
	}
	return nil // the files before it were dropped for their age or size
}

// settle takes what is wrong before a file as known, since the file goes on from a
// place before it. What a failed write left behind is no damage.
func (s *survey) settle(follows segment.Follows) {
	left := slices.DeleteFunc(s.damage[s.known:], func(d *segment.DamageError) bool {
		return follows == segment.FollowsFailure || d.Torn && d.Number == 0
	})
	s.damage = s.damage[:s.known+len(left)]
	s.known = len(s.damage)
}

// endAt reads a file up to an offset.
func endAt(fs disk.FS, b *held, offset int64) (segment.End, error) {
	f, err := fs.Open(nameOf(b.number))
	if err != nil {
		return segment.End{}, err
	}
	defer func() { _ = f.Close() }()
	r, err := segment.NewReader(path(fs, b.number), f, offset)
	for err == nil {
		_, _, err = r.Next()
	}
	if !errors.Is(err, io.EOF) {
		return segment.End{}, err
	}
	return r.End(), nil
}

// damageOf makes of an error that came while reading what stands behind end.
func damageOf(err error, file string, end segment.End) *segment.DamageError {
	var d *segment.DamageError
	if errors.As(err, &d) {
		return d
	}
	return &segment.DamageError{File: file, Offset: end.Offset, Number: end.Next, Cause: err}
}

// keepsAll says whether no record of a chain is ever dropped.
func keepsAll(chain string) bool { return chain == "audit" }
