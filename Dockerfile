# The command exo, static, alone in its image and without privileges:
#
#	docker build --tag exo .
#	docker run --rm --publish 127.0.0.1:8000:8000 exo
#
# Any other program of this module is built in the same way, without arguments
# to start with: --target program --build-arg PACKAGE=./path/to/main.

FROM --platform=$BUILDPLATFORM golang:1.26.8-bookworm@sha256:dc9ad6c05acc7a88e5b71bde60a5fe3bd4b9f0db209011711b464107438a8107 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG PACKAGE=./cmd/exo
ARG TARGETOS
ARG TARGETARCH
# As releases are built (build/compile), but that a copy without .git will do.
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath -tags timetzdata -o /program $PACKAGE

FROM scratch AS program
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /program /program
USER 65532:65532
ENTRYPOINT ["/program"]

FROM program AS exo
EXPOSE 8000
CMD ["serve", "--addr", "0.0.0.0:8000"]
