// Aborter-orchestrator is a migration_aborter and a migration_source: it lists
// and aborts the migrations of an orchestrator over its HTTP API, which
// docs/orchestrator-api.md describes.
//
// It decides nothing and moves nothing. It reports success of an abort only if the
// orchestrator has answered so, and it never returns a list older than configured.
package main
