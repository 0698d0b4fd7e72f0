package meshlog

import (
	"fmt"
	"os"
	"time"
)

// Rejoin keeps a token, as StoreJoining does, of a node that does not run and has the record of
// the log of the token's mesh already: it lost its key, or was let in anew. The record is moved
// aside, and fetched from the others anew. It returns the folder that has the record now; "" if
// there was none.
func Rejoin(dataDir string, t Token, now time.Time) (aside string, err error) {
	if err := StoreJoining(dataDir, t); err != nil {
		return "", err
	}
	aside = asideName(dataDir, now)
	if err := os.Rename(Dir(dataDir), aside); isMissing(err) {
		return "", nil
	} else if err != nil {
		return "", fmt.Errorf("move the record aside: %w", err)
	}
	return aside, nil
}

// asideName returns where a record is moved that is fetched anew.
func asideName(dataDir string, now time.Time) string {
	return Dir(dataDir) + ".aside-" + now.UTC().Format("20060102T150405Z")
}
