package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/meshos/meshos/internal/readfile"
)

// maxToken is the size of the longest token in bytes. Many servers refuse longer headers.
const maxToken = 8 << 10

// tokenFile reads a bearer token. It keeps no copy, so that the next request uses a token
// that was replaced.
type tokenFile struct{ path string }

// read returns the token. Errors name token_file and never contain the token.
func (f tokenFile) read() (string, error) {
	data, err := readfile.Read(f.path, maxToken)
	var large *readfile.TooLargeError
	switch {
	case errors.As(err, &large):
		return "", fmt.Errorf("token_file: %s has more than %d bytes, so it is not a token", f.path, maxToken)
	case err != nil:
		return "", fmt.Errorf("token_file: %w", err)
	}
	token := strings.TrimSpace(readfile.WithoutBOM(string(data)))
	if token == "" {
		return "", fmt.Errorf("token_file: %s is empty", f.path)
	}
	for i := range len(token) {
		if token[i] <= ' ' || token[i] > '~' {
			return "", fmt.Errorf("token_file: %s has a character that tokens can't have (byte %d): write only the token into it", f.path, i+1)
		}
	}
	return token, nil
}

// check returns what an operator should know of the file, or "".
func (f tokenFile) check() string {
	st, err := readfile.Stat(f.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("token_file: %s does not exist yet; requests fail until it does", f.path)
	case err != nil:
		return fmt.Sprintf("token_file: %v; requests fail until that is fixed", err)
	case st.Mode().Perm()&0o004 != 0:
		return fmt.Sprintf("token_file: everybody on this machine may read %s (mode %04o): chmod o-rwx it", f.path, st.Mode().Perm())
	}
	if _, err := f.read(); err != nil {
		return err.Error() + "; requests fail until that is fixed"
	}
	return ""
}
