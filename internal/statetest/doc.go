// Package statetest holds what tests begin a state with. It is for tests only.
package statetest
