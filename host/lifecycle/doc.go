// Package lifecycle runs the parts of a node and ends them in order, in a time that
// is known beforehand.
//
// The parts are one list: read from top to bottom it is the order of the start, from
// bottom to top that of the end. Each part has a limit for its end that no other
// part can use up, so all of them together keep the total.
//
// It knows nothing of what a part does, restarts nothing and resolves no
// dependencies. The libraries for this do not fit: oklog/run and errgroup end all
// their members at once and wait for them without a limit, while here records have
// to be stored after the last event, and by plugins that still run. dskit's services
// have states, listeners and a dependency graph by name, of which the order that
// is wanted comes out only by reading all of it; its waits have no limit for each
// service either.
package lifecycle
