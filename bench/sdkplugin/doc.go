// Command sdkplugin is the plugin of bench/bareplugin, made with pluginsdk.
package main
