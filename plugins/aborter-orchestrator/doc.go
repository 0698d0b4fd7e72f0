// Aborter-orchestrator is a migration_aborter and a migration_source: it lists
// and aborts the migrations of an orchestrator over its HTTP API, which
// docs/orchestrator-api.md describes.
//
// It decides nothing and moves nothing. It never answers that a kill is done
// unless the orchestrator said so, and never shows a list older than configured.
package main
