package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine is the length of the longest line in bytes. A record has at most 4 MiB, and its
// JSON not much more.
const maxLine = 16 << 20

// scanned is the result of a scan of a file.
type scanned struct {
	end     int64    // where the last complete line ends; the rest is torn
	lines   int      // complete lines
	damaged int      // lines that are not records of the chain
	first   []string // the first few of them: where, and why
}

// maxNamed limits how many damaged lines of a file are named.
const maxNamed = 5

// scan reads the lines of a chain's file from an offset to size, calls found with the key
// of each, and counts the damaged ones. An offset above 0 may be in the middle of a line,
// which is skipped; then damaged lines are named by their byte, since the lines before
// were not counted.
func scan(name, chain string, f io.ReaderAt, from, size int64, found func(key)) (scanned, error) {
	out := scanned{end: from}
	in := bufio.NewReaderSize(io.NewSectionReader(f, from, size-from), 256<<10)
	var long []byte
	for partial := from > 0; ; partial = false {
		line, whole, n, err := readLine(in, &long)
		if err != nil {
			return out, fmt.Errorf("read %s: %w", name, err)
		}
		if !whole {
			return out, nil
		}
		out.end += n
		if partial {
			continue
		}
		out.lines++
		k, why := check(chain, line)
		if why == nil {
			found(k)
			continue
		}
		if out.damaged++; out.damaged > maxNamed {
			continue
		}
		place := fmt.Sprintf("%s:%d", name, out.lines)
		if from > 0 {
			place = fmt.Sprintf("%s: byte %d", name, out.end-n)
		}
		out.first = append(out.first, fmt.Sprintf("%s: damaged line: %v", place, why))
	}
}

// readLine reads up to the next newline; whole is false if the file ends before it. It
// skips a line that is too long and returns nil for it.
func readLine(in *bufio.Reader, long *[]byte) (line []byte, whole bool, n int64, err error) {
	*long = (*long)[:0]
	for {
		part, err := in.ReadSlice('\n')
		n += int64(len(part))
		switch {
		case err == nil && n == int64(len(part)):
			return part[:len(part)-1], true, n, nil
		case err == nil:
			if n > maxLine {
				return nil, true, n, nil
			}
			*long = append(*long, part[:len(part)-1]...)
			return *long, true, n, nil
		case errors.Is(err, io.EOF):
			return nil, false, n, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, n, err
		}
		if n <= maxLine {
			*long = append(*long, part...)
		}
	}
}

// check returns the key of a line, or why it is damaged.
func check(chain string, line []byte) (key, error) {
	switch {
	case line == nil:
		return key{}, fmt.Errorf("longer than %d bytes", maxLine)
	case len(bytes.TrimSpace(line)) == 0:
		return key{}, errors.New("empty")
	case !json.Valid(line):
		return key{}, errors.New("not JSON")
	}
	return keyOf(chain, line)
}
