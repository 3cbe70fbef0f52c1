import { create, createRegistry, type DescFile, type DescService, type Registry, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code } from "@connectrpc/connect";
import {
  type ServerReflectionRequest,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../../gen/grpc/reflection/v1/reflection_pb.ts";

/** Answers one question of a reflection stream. */
export type Reflect = (request: ServerReflectionRequest) => ServerReflectionResponse;

/** Server reflection: what grpcurl and the like ask to learn the contract from the server itself. */
export function createReflection(services: readonly DescService[]): Reflect {
  const files = new Map<string, DescFile>();
  for (const { file } of services) collect(file, files);
  const registry = createRegistry(...files.values());

  return (request) => {
    const messageResponse = answer(request.messageRequest, services, files, registry);
    const { host: validHost } = request;
    return create(ServerReflectionResponseSchema, { validHost, originalRequest: request, messageResponse });
  };
}

function answer(
  question: ServerReflectionRequest["messageRequest"],
  services: readonly DescService[],
  files: ReadonlyMap<string, DescFile>,
  registry: Registry,
): ServerReflectionResponse["messageResponse"] {
  switch (question.case) {
    case "listServices": {
      const service = services.map(({ typeName: name }) => ({
        $typeName: "grpc.reflection.v1.ServiceResponse" as const,
        name,
      }));
      return { case: "listServicesResponse", value: { $typeName: "grpc.reflection.v1.ListServiceResponse", service } };
    }
    case "fileByFilename":
      return fileResponse(files.get(question.value.replace(/\.proto$/, "")), question.value);
    case "fileContainingSymbol":
      return fileResponse(fileOf(question.value, registry), question.value);
    case "fileContainingExtension": {
      const { containingType, extensionNumber } = question.value;
      const message = registry.getMessage(containingType);
      const extension = message && registry.getExtensionFor(message, extensionNumber);
      return fileResponse(extension?.file, `${containingType} ${extensionNumber}`);
    }
    case "allExtensionNumbersOfType":
      return failure(Code.Unimplemented, "extension numbers are not listed");
    default:
      return failure(Code.InvalidArgument, "the request asks nothing");
  }
}

/** The file of a message, enum, service, method, field or enum value. */
function fileOf(symbol: string, registry: Registry): DescFile | undefined {
  const name = symbol.replace(/^\./, "");
  const whole = registry.get(name);
  if (whole) return whole.file;
  const owner = registry.get(name.slice(0, name.lastIndexOf(".")));
  const member = name.slice(name.lastIndexOf(".") + 1);
  switch (owner?.kind) {
    case "service":
      return owner.methods.some((method) => method.name === member) ? owner.file : undefined;
    case "message":
      return owner.members.some((field) => field.name === member) ? owner.file : undefined;
    case "enum":
      return owner.values.some((value) => value.name === member) ? owner.file : undefined;
    default:
      return undefined;
  }
}

/** The file with all that it imports: clients need not ask again. */
function fileResponse(file: DescFile | undefined, asked: string): ServerReflectionResponse["messageResponse"] {
  if (!file) return failure(Code.NotFound, `not found: ${asked.slice(0, maxShownChars)}`);
  const all = new Map<string, DescFile>();
  collect(file, all);
  const fileDescriptorProto = [...all.values()].map(({ proto }) => toBinary(FileDescriptorProtoSchema, proto));
  const value = { $typeName: "grpc.reflection.v1.FileDescriptorResponse" as const, fileDescriptorProto };
  return { case: "fileDescriptorResponse", value };
}

function failure(errorCode: Code, errorMessage: string): ServerReflectionResponse["messageResponse"] {
  return { case: "errorResponse", value: { $typeName: "grpc.reflection.v1.ErrorResponse", errorCode, errorMessage } };
}

function collect(file: DescFile, into: Map<string, DescFile>): void {
  if (into.has(file.name)) return;
  into.set(file.name, file);
  for (const dependency of file.dependencies) collect(dependency, into);
}

const maxShownChars = 128;
