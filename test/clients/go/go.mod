module trunkline.dev/callers

go 1.24.0

require (
	connectrpc.com/connect v1.19.1
	google.golang.org/protobuf v1.36.11
	trunkline.dev/gen v0.0.0
)

// Generated beside this folder before it is built.
replace trunkline.dev/gen => ../gen
