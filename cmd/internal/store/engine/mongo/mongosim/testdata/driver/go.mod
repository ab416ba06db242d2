// The driver's own tests of the specifications (Apache-2.0): later versions
// carry no data. spec_test.go runs them out of the module cache.
module driver

go 1.26.0

require go.mongodb.org/mongo-driver/v2 v2.1.0
