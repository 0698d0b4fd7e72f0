package reload

import (
	"context"
	"fmt"
	"time"

	"github.com/meshos/meshos/host/mesh"
)

// signersTimeout bounds how long changes of the operators' keys may wait for their
// audit records. They are limited as commands are, and a large file may change in
// thousands of places.
const signersTimeout = 2 * time.Minute

// reloadSigners reads the signers' file again, and has each change audited with the
// fingerprints. A damaged file changes nothing.
func (r *Reloader) reloadSigners(ctx context.Context) {
	if !r.parts.Signers.HasOperators() {
		return
	}
	changes, err := r.parts.Signers.ReloadSigners()
	if err != nil {
		r.parts.Log.Error("signers not reloaded, those in force stay", "error", err)
		r.parts.Report("reload", fmt.Sprintf("the signers in force stay: %v", err))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, signersTimeout)
	defer cancel()
	for _, change := range changes {
		r.parts.Log.Warn("signers changed", "change", change.String())
		audited := mesh.SignerChange{Name: change.Name, Text: change.String()}
		if change.Old != nil {
			audited.Old = change.Old.Key.Fingerprint()
		}
		if change.New != nil {
			audited.New = change.New.Key.Fingerprint()
		}
		if err := r.parts.Intake.SignerChange(ctx, audited); err != nil {
			r.parts.Report("reload", fmt.Sprintf("not in the audit log: signers changed: %s: %v", change, err))
		}
	}
}
