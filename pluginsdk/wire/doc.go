// Package wire names what a host and a plugin agree on, in whatever language either
// is written: the handshake, the environment of the process, the limits of a call
// and the names of the kinds.
//
// It is not for authors: pluginsdk and plugintest do all of this for them. Use it to
// write a host, or a tool that talks to a plugin. docs/writing-plugins.md describes
// the protocol whose names these are. Nothing here changes within meshos.plugin.v1;
// there may be more of it.
package wire
