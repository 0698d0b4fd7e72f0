package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"

	"github.com/meshos/meshos/internal/readfile"
)

// A journal that has grown beyond the size of one file is a set of files: FILE.1 is the
// oldest part, FILE.2 the next one, and FILE the newest. All parts together are one journal.

// part returns the name of the n-th part of a journal, from 1.
func part(path string, n int) string { return path + "." + strconv.Itoa(n) }

// rotated counts the parts FILE.1, FILE.2 … that exist.
func rotated(path string) (int, error) {
	for n := 0; ; n++ {
		_, err := os.Stat(part(path, n+1))
		if errors.Is(err, fs.ErrNotExist) {
			return n, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// setOf returns the files of a journal, oldest first.
func setOf(path string) ([]string, error) {
	n, err := rotated(path)
	if err != nil {
		return nil, err
	}
	var files []string
	for i := range n {
		files = append(files, part(path, i+1))
	}
	// FILE itself may be missing if the node died between two parts.
	if _, err := os.Stat(path); err == nil || n == 0 {
		files = append(files, path)
	}
	return files, nil
}

// keepPrevious renames the journal of the run before: FILE becomes FILE.old, FILE.1 becomes
// FILE.old.1 and so on. It removes the journal that had these names.
func keepPrevious(path string) error {
	files, err := setOf(path)
	if err != nil {
		return err
	}
	if _, err := os.Stat(files[0]); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	old := path + ".old"
	n, err := rotated(old)
	if err != nil {
		return err
	}
	for i := n; i > 0; i-- {
		if err := os.Remove(part(old, i)); err != nil {
			return err
		}
	}
	if err := os.Remove(old); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for i, file := range files {
		to := part(old, i+1)
		if file == path {
			to = old
		}
		if err := os.Rename(file, to); err != nil {
			return err
		}
	}
	return nil
}

// mustBeJournal returns an error if a file exists and is not a journal, so that nothing
// else is renamed.
func mustBeJournal(path string) error {
	info, err := readfile.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is not a regular file: name another file for the journal", path)
	case info.Size() == 0:
		return nil
	}
	f, _, err := readfile.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	head := make([]byte, len(firstBytes))
	n, err := f.Read(head)
	if err != nil {
		return err
	}
	if string(head[:n]) != firstBytes[:n] {
		return fmt.Errorf("%s exists and is not a journal: name another file, or move this one away", path)
	}
	return nil
}

// firstBytes are the first bytes of every line that Encode returns.
const firstBytes = `{"index":"`
