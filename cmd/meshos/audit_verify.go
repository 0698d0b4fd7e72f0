package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
	"github.com/meshos/meshos/host/operator/signers"
	"github.com/meshos/meshos/host/records"
	"github.com/meshos/meshos/host/records/durable"
	"github.com/meshos/meshos/host/records/segment"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// recordCheck says what is wrong with a record whose checksum and link are right, nil
// for nothing.
type recordCheck func(*meshosv1.Record) error

func newAuditVerifyCommand(a *app) *cobra.Command {
	var signersFile string
	cmd := &cobra.Command{
		Use:   "verify [DIR]",
		Short: "Check a node's records on disk",
		Long: `Reads all records in DIR and checks every byte: checksums, the links from each
record to the one before it, gaps, and that nothing is missing in between, or at the
end as far as an appender holds it. DIR is a folder of records, a data directory, or
the folder of one chain; without it the data directory of the configuration is taken.
The node may run meanwhile.

The signatures of all accepted commands are checked again, as of the time at which they
were committed, against an allowed_signers file: with DIR the one that --signers names,
if it does, and else that of the configuration.

Nothing is changed. The exit code is 1 when something is damaged or a signature is
bad, and each damage is named with its file, offset and record.`,
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
				if signersFile == "" {
					signersFile = cfg.Operators.Signers
				}
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
			held, unread := heldBeside(dir, chains) // first, since a running node gets on
			damaged := a.showMissing(chains, held)
			for _, c := range chains {
				ends := heldOf(c.name, held)
				report, err := verifyChain(c, ends, check)
				if err != nil {
					return err
				}
				a.showReport(c.name, report, ends.bad)
				damaged += len(report.Damage) + len(ends.bad)
			}
			if signatures != nil {
				signatures.show(a)
			}
			if unread != nil {
				a.warnCursors(unread)
				damaged++
			}
			if damaged > 0 {
				return fmt.Errorf("%s is damaged in %s; keep a copy before anything else writes there", dir, view.Counted(damaged, "place"))
			}
			if signatures != nil && len(signatures.bad) > 0 {
				return fmt.Errorf("%s in %s can't be proven with %s\n"+
					"    where keys were taken out of that file, put their lines back with a valid-before", view.Counted(len(signatures.bad), "command"), dir, signersFile)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&signersFile, "signers", "", "check the signatures of accepted commands against this allowed_signers file")
	return cmd
}

// verifyChain reads a whole chain. Check is asked for each record, if it is set.
func verifyChain(c chainDir, ends *heldCheck, check recordCheck) (durable.Report, error) {
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

// showReport prints what was found in one chain.
func (a *app) showReport(name string, r durable.Report, cut []string) {
	colors := a.color(a.out)
	verdict := colors.Apply(view.Good, "good")
	if len(r.Damage)+len(cut) > 0 {
		verdict = colors.Apply(view.Bad, "damaged")
	}
	line := fmt.Sprintf("%-8s %s: %s in %s", name, verdict, view.Counted(int(r.Records), "record"), view.Counted(r.Files, "file"))
	if r.First > 1 {
		line += fmt.Sprintf(", from number %d on", r.First)
	}
	if r.Gaps > 0 {
		line += fmt.Sprintf(", %s with %s lost before they could be written", view.Counted(r.Gaps, "gap"), view.Counted(int(r.Missing), "record"))
	}
	if r.Quarantined > 0 {
		line += ", " + view.Counted(r.Quarantined, "file") + " set aside"
	}
	_, _ = fmt.Fprintln(a.out, line)
	var places []string
	for _, d := range r.Damage {
		places = append(places, d.Error())
	}
	a.showPlaces(append(places, cut...))
	if r.Unfinished != nil {
		_, _ = fmt.Fprintf(a.out, "         the last record is not complete: it is being written, or the node's next start cuts it off (%s)\n",
			view.Plain(r.Unfinished.Error()))
	}
}

// shownPlaces is how many places are named: behind damage every file is one.
const shownPlaces = 20

// showPlaces names what is wrong, one thing a line, the first ones first.
func (a *app) showPlaces(places []string) {
	for i, place := range places {
		if i == shownPlaces {
			_, _ = fmt.Fprintf(a.out, "         and %d more\n", len(places)-i)
			return
		}
		_, _ = fmt.Fprintf(a.out, "         %s\n", view.Plain(place))
	}
}
