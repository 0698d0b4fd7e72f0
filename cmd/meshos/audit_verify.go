package main

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/config"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	"github.com/meshos/meshos/internal/readfile"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// recordCheck returns what is wrong with a record whose checksum and link are right, or nil.
type recordCheck func(*meshosv1.Record) error

func newAuditVerifyCommand(a *app) *cobra.Command {
	var signersFile string
	cmd := &cobra.Command{
		Use:   "verify [DIR]",
		Short: "Check a node's records on disk",
		Long: `Reads all records in DIR and checks every byte: the checksums, the link from each
record to the one before it, and that no record is missing in between. If an appender
has stored a record that is no longer at the end, that is found, too: the end was cut
off, or, if the files were last written before the appender stored it, DIR is a copy that
was made while the node wrote, which is said and is no damage. Of a backup (meshos records
backup) it is checked, too, that all is there that its backup.json lists.

DIR is a data directory, the folder records in it, or the folder of one chain; the
default is the data directory of the configuration. Of a data directory the ordered log
is checked, too (the folder ordered in it): that each order continues the one before, and
that the checkpoint belongs to the log; and so is the node's record of the log of its mesh (mesh/log
in it): if its beginning was dropped, that a checkpoint stands for that, which its operators
vouched for. The node may be running meanwhile.

The signatures of all accepted commands are verified again, as of the time when the
node accepted them, with the allowed_signers file of --signers, else with the one that
the configuration at hand names. If there is neither, the output says that signatures
were not checked.

Nothing is changed on disk. Each damage is shown with its file, offset and record. The
exit code is 1 if there is damage or a bad signature.`,
		Example: `  meshos audit verify
  meshos audit verify --signers /etc/meshos/allowed_signers
  meshos audit verify /mnt/backup/records
  meshos audit verify var/records/audit`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				cfg, err := a.loadConfig()
				if err != nil {
					return err
				}
				args = []string{cfg.Node.DataDir}
			}
			note := "" // why no signature is checked
			if signersFile == "" {
				signersFile, note = a.configuredSigners()
			}
			orders := orderedDir(args[0])
			if orders == args[0] {
				return a.verifyOrders(orders)
			}
			dir, chains, err := a.recordDirs(args)
			if err != nil {
				return err
			}
			var signatures *signatureCheck
			var check recordCheck
			if signersFile != "" {
				set, err := signers.Load(signersFile)
				if err != nil {
					return err
				}
				signatures = &signatureCheck{set: set}
				check = signatures.see
			}
			cursors, unread := readCursors(dir, chains) // first, since a running node moves them
			damaged := a.showMissing(chains, cursors)
			found := map[string]uint64{} // records of each chain
			for _, c := range chains {
				ends := newCursorCheck(c, cursors)
				report, err := verifyChain(c, ends, check)
				if err != nil {
					return err
				}
				a.showReport(c.name, report, ends.bad)
				a.showCopied(ends.copied)
				damaged += len(report.Damage) + len(ends.bad)
				found[c.name] = report.Records
			}
			missing, err := a.showMissingOfBackup(args[0], found)
			if err != nil {
				return err
			}
			damaged += missing
			if orders != "" {
				places, err := a.showOrders(orders)
				if err != nil {
					return err
				}
				damaged += places
			}
			places, err := a.showMesh(args[0])
			if err != nil {
				return err
			}
			damaged += places
			if signatures != nil {
				signatures.show(a, signersFile)
			} else if hasAudit(chains) {
				_, _ = fmt.Fprintf(a.out, "signatures %s: %s\n", a.color(a.out).Apply(view.Warning, "not checked"), note)
			}
			if unread != nil {
				a.warnOfCursors(unread)
				damaged++
			}
			if damaged > 0 {
				return fmt.Errorf("%s is damaged in %s; make a copy before anything else writes there", dir, view.Counted(damaged, "place"))
			}
			if signatures != nil && len(signatures.bad) > 0 {
				return fmt.Errorf("%s in %s could not be verified with %s\n"+
					"    if keys were removed from that file, put their lines back with a valid-before option", view.Counted(len(signatures.bad), "command"), dir, signersFile)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&signersFile, "signers", "", "verify the signatures of accepted commands with this allowed_signers `FILE`")
	return cmd
}

// configuredSigners returns the file of the operators' keys that the configuration at hand
// names, or why there is none.
func (a *app) configuredSigners() (file, note string) {
	if _, err := readfile.Stat(a.configPath()); errors.Is(err, fs.ErrNotExist) {
		return "", "no configuration is at hand; name a file of allowed signers with --signers"
	}
	peeked, err := config.Peek(a.configPath(), "operators.signers")
	switch {
	case err != nil:
		return "", "the file of signers could not be read from the configuration (" + view.Plain(firstLine(err)) + "); name it with --signers"
	case peeked.Operators.Signers == "":
		return "", a.configPath() + " names no operators.signers; name a file of allowed signers with --signers"
	}
	return peeked.Operators.Signers, ""
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func hasAudit(chains []chainDir) bool {
	return slices.ContainsFunc(chains, func(c chainDir) bool { return c.name == "audit" })
}

// verifyChain reads a whole chain. check, if it is not nil, is called with each record.
func verifyChain(c chainDir, ends *cursorCheck, check recordCheck) (durable.Report, error) {
	report, err := durable.Walk(c.fs, c.name, func(e segment.Entry, number uint64) error {
		ends.see(e, number)
		if e.Kind != segment.KindRecord {
			return nil
		}
		record, err := records.Decode(c.name, e)
		if err != nil || check == nil {
			return err
		}
		return check(record)
	})
	ends.end(report)
	return report, err
}

// showReport prints the result for one chain; also has what else is wrong with it.
func (a *app) showReport(name string, r durable.Report, also []string) {
	colors := a.color(a.out)
	verdict := colors.Apply(view.Good, "good")
	if len(r.Damage)+len(also) > 0 {
		verdict = colors.Apply(view.Bad, "damaged")
	}
	line := fmt.Sprintf("%-8s %s: %s in %s", name, verdict, view.Counted(int(r.Records), "record"), view.Counted(r.Files, "file"))
	if r.First > 1 {
		line += fmt.Sprintf(", from number %d on", r.First)
	}
	if r.Gaps > 0 {
		line += fmt.Sprintf(", %s of %s that were lost before they could be written", view.Counted(r.Gaps, "gap"), view.Counted(int(r.Missing), "record"))
	}
	if r.Quarantined > 0 {
		line += ", " + view.Counted(r.Quarantined, "file") + " set aside"
	}
	_, _ = fmt.Fprintln(a.out, line)
	var places []string
	for _, d := range r.Damage {
		places = append(places, d.Error())
	}
	a.showPlaces(append(places, also...))
	if r.Unfinished != nil {
		_, _ = fmt.Fprintf(a.out, "         the last record is incomplete: either it is being written, or the node's next start will cut it off (%s)\n",
			view.Plain(r.Unfinished.Error()))
	}
}

// shownPlaces is how many damages are shown: after the first one every file is damage.
const shownPlaces = 20

// showPlaces prints what is wrong, one line each.
func (a *app) showPlaces(places []string) {
	for i, place := range places {
		if i == shownPlaces {
			_, _ = fmt.Fprintf(a.out, "         and %d more\n", len(places)-i)
			return
		}
		_, _ = fmt.Fprintf(a.out, "         %s\n", view.Plain(place))
	}
}
