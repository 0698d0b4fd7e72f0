package pluginsdk_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// folder is a chain appender: each failure record becomes a file.
type folder struct{ dir string }

func newFolder(env pluginsdk.Env, _ struct{}) (*folder, error) { return &folder{env.DataDir}, nil }

func (p *folder) Append(_ context.Context, records []*meshosv1.Record) error {
	for _, r := range records {
		if f := r.GetFailure(); f != nil {
			// A record that comes again has the same name, so it is not stored twice.
			name := filepath.Join(p.dir, fmt.Sprintf("%d-%d", f.GetEpoch(), f.GetSeq()))
			if err := store(name, f.GetReason()); err != nil {
				return err // the host sends the batch again
			}
		}
	}
	return nil // now the host may forget them
}

// store writes a file that survives a power cut once store has returned.
func store(name, text string) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return file.Sync()
}

func ExampleChainAppender() {
	asTest(func(t testing.TB) {
		dir := t.TempDir()
		plugin := plugintest.Start(t, newFolder, struct{}{}, plugintest.WithDataDir(dir))
		record := &meshosv1.Record{Kind: &meshosv1.Record_Failure{
			Failure: &meshosv1.FailureRecord{Epoch: 6, Seq: 1, Reason: "disk full"},
		}}
		fmt.Println(plugin.Append(record))
		fmt.Println(plugin.Append(record))
		files, err := os.ReadDir(dir)
		fmt.Println(files, err)
	})
	// Output:
	// <nil>
	// <nil>
	// [- 6-1] <nil>
}
