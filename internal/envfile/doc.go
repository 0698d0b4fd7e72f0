// Package envfile reads files of environment variables, one KEY=VALUE to a line, as
// systemd's EnvironmentFile and docker's --env-file have them.
//
//   - Empty lines and lines that begin with # or ; mean nothing. A # further on belongs to
//     the value.
//   - A key is a letter or an underscore, followed by letters, digits and underscores. Before
//     it there may be "export ". Of a key that comes twice the later value counts.
//   - A value without quotes is taken as it is, without the blanks around it: neither $ nor
//     a backslash means anything.
//   - A value in single quotes is taken as it is, over several lines too.
//   - In double quotes \" \\ \$ and \` stand for the second character, and a backslash at
//     the end of a line joins it with the next one. The value may have several lines.
//   - Nothing is replaced or executed.
//
// What the two programs read differently is refused: a key without a value, and a value
// without quotes that ends in a backslash. No error contains anything of a value.
package envfile
