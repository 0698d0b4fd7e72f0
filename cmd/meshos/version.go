package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/cobra"
)

func newVersionCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this binary",
		Args:  cobra.NoArgs,
	}
	output := addOutput(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		if *output == outputJSON {
			return json.NewEncoder(a.out).Encode(map[string]string{
				"version": a.version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH,
			})
		}
		_, err := io.WriteString(a.out, a.versionLine())
		return err
	}
	return cmd
}

func (a *app) versionLine() string {
	return fmt.Sprintf("meshos %s (%s, %s/%s)\n", a.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
