// run-command is an actuator: it runs a command for each action, with the action as JSON on
// its standard input. README.md describes what the command gets and what its exit status
// means.
package main

import "github.com/meshos/meshos/pluginsdk"

func main() {
	pluginsdk.Main(pluginsdk.Info{
		Name:    "run-command",
		Version: "1.0.0",
		Doc:     "Carries out actions by running a command for each kind of action.",
	}, newRunner)
}
