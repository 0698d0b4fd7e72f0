package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/view"
)

func newVersionCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of this binary and of the running node",
		Long: `Prints the version of this binary and, if a node answers, that of the node, which may
have been started from another binary. With --client no node is asked. The exit code is
0 also if no node answers.`,
		Args: cobra.NoArgs,
	}
	output := addOutput(cmd)
	client := cmd.Flags().Bool("client", false, "don't ask a node")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		out := map[string]string{"version": a.version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH}
		words := a.versionLine()
		if !*client {
			version, why := a.nodeVersion(cmd)
			if why != "" {
				out["node_error"] = why
				words += "node   " + view.Plain(why) + "\n"
			} else {
				out["node_version"] = version
				words += "node   " + view.Plain(version)
				if version != a.version {
					words += ", another version than this one"
				}
				words += "\n"
			}
		}
		if *output == outputJSON {
			return json.NewEncoder(a.out).Encode(out)
		}
		_, err := io.WriteString(a.out, words)
		return err
	}
	return cmd
}

// nodeVersion returns the version of the node, or why it is not known.
func (a *app) nodeVersion(cmd *cobra.Command) (version, why string) {
	node, err := a.connect()
	if err == nil {
		defer node.close()
		snapshot, failed := node.snapshot(cmd.Context())
		if err = failed; err == nil {
			if version = snapshot.GetInfo().GetVersion(); version == "" {
				return "", "it does not say its version, so it is an older one"
			}
			return version, ""
		}
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return "", line
}

func (a *app) versionLine() string {
	return fmt.Sprintf("meshos %s (%s, %s/%s)\n", a.version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
