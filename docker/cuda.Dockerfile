# docker build --file docker/cuda.Dockerfile --tag foresight:cuda .
# docker run --rm --gpus all --volume "$PWD":/work foresight:cuda run --candidate 'dinov2*' --device cuda
# torch's wheels bring CUDA's libraries themselves: the host needs the driver and the container toolkit, the image nothing more.
FROM python:3.12-slim
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY . /opt/foresight
RUN pip install --no-cache-dir uv && cd /opt/foresight && uv pip install --system --no-cache --constraints constraints/workspace.txt --requirements docker/requirements.txt
RUN useradd --create-home foresight
USER foresight
WORKDIR /work
ENTRYPOINT ["foresight-bench"]
CMD ["--help"]
